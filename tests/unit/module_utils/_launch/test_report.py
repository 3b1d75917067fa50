"""One page that needs nothing but itself, and says what was not looked at."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._launch import chart, report
from ansible_collections.awsome.training.plugins.module_utils._launch.events import Run, parse_events
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_job import Job
from ansible_collections.awsome.training.plugins.module_utils._launch.verdict import find_failure, judge

RECORDED = Path(__file__).parent / "recorded"
EVENTS = parse_events((RECORDED / "metrics.jsonl").read_text())
LOG = (RECORDED / "failed.log").read_text().splitlines()
GOOD = Job(7, "COMPLETED", 0, 0, "", "c-[1-2]", "2026-11-24T08:00:00", "2026-11-24T08:00:38", 38, "cpu", "sacct")
BAD = Job(7, "FAILED", 1, 0, source="scontrol")
EMPTY = {"img", "br", "meta", "link", "line", "circle", "polyline"}


def made(job: Job, events: list[dict[str, Any]], log: list[str]) -> tuple[dict[str, Any], str]:
    run = Run.of(events)
    found = report.result(run, job, judge(job, run, find_failure(log), "/r"), ["c-1", "c-2"], "/r")
    return found, report.page(run, found, log)


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    handle_startendtag = lambda self, tag, attrs: None  # noqa: E731


@pytest.mark.parametrize(
    ("job", "events", "log"),
    [(GOOD, EVENTS, []), (BAD, EVENTS[:25], LOG), (BAD, EVENTS[:2], []), (BAD, [], []), (Job(7), [], ["x"])],
)
def test_the_page_is_whole_and_needs_nothing_from_elsewhere(job: Job, events: Any, log: list[str]) -> None:
    _, page = made(job, events, log)
    reader = Balance()
    reader.feed(page)
    assert reader.open == []
    assert not re.search(r"(src|href|url)\s*[=(]|<script|@import|https?://", page)
    assert "prefers-color-scheme:dark" in page and "@media print" in page
    assert "None" not in re.sub(r"<pre>.*</pre>", "", page, flags=re.DOTALL) and "nan" not in page


def test_success_says_what_a_tired_person_asks() -> None:
    found, page = made(GOOD, EVENTS, [])
    for words in (
        "Trained to the end",
        "5.569 → 2.735",
        "60 of 60",
        "c-2",
        "validation 2.695",
        "0:0",
        "38 s",
        "803,968",
    ):
        assert words in page
    assert found["summary"]["first_loss"] == EVENTS[1]["loss"]
    assert "Not checked" in page and "its speed was not measured" in page
    assert not found["failure"]["lines"]


def test_one_line_says_what_was_measured_and_no_more() -> None:
    found, _ = made(GOOD, EVENTS, [])
    assert report.one_line(found["summary"]).startswith("60 steps, loss 5.5693 -> 2.7349, validation loss 2.6949, 4,")
    assert report.one_line(made(BAD, [], [])[0]["summary"]) == "0 steps"


def test_failure_shows_the_lines_of_the_node_that_broke() -> None:
    _, page = made(BAD, EVENTS[:25], LOG)
    assert "Not completed" in page and "Last lines of compute-2" in page and "1: error: corpus /x is missing" in page
    assert "told by scontrol" in page


def test_what_a_log_says_is_no_html() -> None:
    _, page = made(BAD, [], ["<script>alert(1)</script>"])
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_loss_that_is_no_number_is_drawn_as_far_as_it_goes() -> None:
    broken = [{**event, "loss": float("nan")} if event.get("step", 0) > 10 else event for event in EVENTS]
    _, page = made(BAD, broken, [])
    assert f"train {EVENTS[10]['loss']:.3f}" in page and "The loss is no number from step 11 on." in page


def test_many_points_are_thinned_and_the_last_is_kept() -> None:
    points = [(float(step), 1.0 / (step + 1)) for step in range(100_000)]
    thin = chart.thinned(points)
    assert len(thin) <= chart.MAX_POINTS and thin[-1] == points[-1]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (2.3, 5.6), (5, 5), (0, 0), (-1, 1e9), (0.001, 0.0011)])
def test_ticks_enclose_the_values(low: float, high: float) -> None:
    found = chart.ticks(low, high, 5)
    assert found[0] <= low and found[-1] >= high and 2 <= len(found) <= 9
