"""metrics.jsonl, also half written and of several jobs."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils._launch.events import Run, duration, parse_events

TEXT = (Path(__file__).parent / "recorded/metrics.jsonl").read_text()
EVENTS = parse_events(TEXT)


def test_a_half_written_or_foreign_line_is_left_out() -> None:
    assert parse_events(TEXT[:-20]) == EVENTS[:-1]
    assert parse_events('{"event": "other"}\n[1]\nnonsense\n') == []


def test_progress() -> None:
    started = Run.of(EVENTS[:1])
    assert started.progress() == "the training has started, its first step is not done yet"
    assert Run().progress() == ""
    line = Run.of(EVENTS[:21]).progress()
    assert line.startswith("step 20/60, loss 3.0") and "tokens/s, about " in line and line.endswith("s left")
    assert Run.of(EVENTS).seconds_left() is None


def test_a_run_that_was_resumed_counts_each_step_once_and_needs_a_new_end() -> None:
    again = [{**EVENTS[0], "resumed_from_step": 30}, {**EVENTS[31], "loss": 9.0}]
    run = Run.of([*EVENTS, *again])
    assert len(run.steps) == 60 and run.steps[31]["loss"] == 9.0
    assert run.end is None and not run.completed and len(run.starts) == 2
    assert Run.of(EVENTS).completed


def test_a_value_that_is_no_number_in_json_does_not_break_the_reading() -> None:
    line = json.dumps({"event": "step", "step": 1, "time": 1.0, "loss": float("nan"), "tokens_per_second": 0})
    assert "loss nan" in Run.of(parse_events(line)).progress()


def test_duration() -> None:
    assert [duration(seconds) for seconds in (0.4, 59, 60, 185, 7800)] == [
        "0 s",
        "59 s",
        "1 min",
        "3 min 5 s",
        "2 h 10 min",
    ]
