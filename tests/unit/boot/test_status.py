"""Events, their summary, and what a run that was cut off leaves to the next."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from boot.faults import BootError
from boot.status import Record, completed, summary


def started(home: Path, run: str = "1", fingerprint: str = "f") -> Record:
    record = Record(home, run)
    record.add("run_begin", provider="hyperpod", hook="on_create")
    record.add("run_input", fingerprint=fingerprint)
    return record


def step(record: Record, name: str, state: str = "ok", **more: Any) -> None:
    record.add("step_begin", step=name, walk=True)
    record.add("step_end", step=name, walk=True, state=state, seconds=1.0, **more)


def test_the_summary_is_whole_at_any_time(tmp_path: Path) -> None:
    record = started(tmp_path)
    record.add("step_begin", step="install munge", walk=True)
    assert json.loads(record.status_path.read_text())["steps"] == [
        {
            "step": "install munge",
            "attempts": 1,
            "state": "running",
            "began": pytest.approx(record.events()[-1]["time"]),
        }
    ]
    assert not list(tmp_path.glob("status.[0-9]*"))


def test_attempts_and_errors_are_counted_and_the_last_word_counts(tmp_path: Path) -> None:
    record = started(tmp_path)
    step(record, "configure lustre", "failed", error="timed out")
    step(record, "configure lustre", changed=2)
    (row,) = summary(record.events())["steps"]
    assert (row["attempts"], row["state"], row["changed"]) == (2, "ok", 2) and "error" not in row


def test_a_run_that_was_cut_off_leaves_what_it_completed(tmp_path: Path) -> None:
    record = started(tmp_path)
    step(record, "install munge")
    step(record, "configure munge", "failed")
    record.add("step_begin", step="configure slurm", walk=True)
    assert completed(record.events(), "f") == {"install munge"}


def test_another_input_completes_nothing(tmp_path: Path) -> None:
    record = started(tmp_path, fingerprint="old")
    step(record, "install munge")
    assert completed(record.events(), "new") == set()


def test_after_a_complete_run_everything_is_walked_again(tmp_path: Path) -> None:
    record = started(tmp_path)
    step(record, "install munge")
    record.add("run_end", state="complete")
    assert completed(record.events(), "f") == set()


def test_a_line_that_was_cut_off_swallows_no_other(tmp_path: Path) -> None:
    record = started(tmp_path)
    with record.events_path.open("a") as stream:
        stream.write('{"event": "step_e')
    step(record, "install munge")
    assert completed(record.events(), "f") == {"install munge"}


def test_a_full_disk_is_a_sentence_and_the_old_summary_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = started(tmp_path)
    before = record.status_path.read_text()

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(BootError, match=r"cannot be written \(No space left on device\): free space") as refused:
        record.write()
    assert refused.value.code == 2 and record.status_path.read_text() == before
