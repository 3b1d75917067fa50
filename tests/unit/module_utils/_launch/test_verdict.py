"""Only a job that completed with exit code 0, of a training that said it completed, is a success."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._launch.events import Run, parse_events
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_job import Job
from ansible_collections.awsome.training.plugins.module_utils._launch.verdict import Failure, find_failure, judge

RECORDED = Path(__file__).parent / "recorded"
LOG = (RECORDED / "failed.log").read_text().splitlines()
EVENTS = parse_events((RECORDED / "metrics.jsonl").read_text())
NOWHERE = Failure()
COMPLETED = Job(7, "COMPLETED", 0, 0, source="sacct")


def say(job: Job, events: list[dict[str, Any]], failure: Failure = NOWHERE) -> tuple[bool, str]:
    verdict = judge(job, Run.of(events), failure, "/fsx/run", 30)
    return verdict.ok, verdict.sentence


def test_success() -> None:
    assert say(COMPLETED, EVENTS) == (True, "job 7 trained 60 steps to the end.")


@pytest.mark.parametrize(
    ("job", "events", "words"),
    [
        (COMPLETED, EVENTS[:-1], "the training did not say that it ended"),
        (
            COMPLETED,
            [*EVENTS[:-1], {**EVENTS[-1], "status": "stopped"}],
            "job 7 stopped at step 60 of 60; submit it again",
        ),
        (COMPLETED, [*EVENTS, EVENTS[0]], "the training did not say that it ended"),
        (COMPLETED, [], "the training did not say that it ended"),
        (Job(7, "COMPLETED", 1, 0), EVENTS, "ended as COMPLETED with exit code 1"),
        (Job(7, "COMPLETED"), EVENTS, "ended as COMPLETED"),
        (Job(7, "FAILED", 1, 0), EVENTS, "ended as FAILED with exit code 1"),
        (Job(7, "OUT_OF_MEMORY", 0, 9), EVENTS, "ended as OUT_OF_MEMORY with exit code 0 and signal 9"),
        (Job(7, "TIMEOUT", 0, 0), EVENTS, "ran into its time limit of 30 min at step 60"),
        (Job(7, "CANCELLED", 0, 15), EVENTS, "was cancelled at step 60"),
        (Job(7, "RUNNING"), EVENTS, "has not ended: it is RUNNING"),
        (Job(7), EVENTS, "not known to sacct nor to scontrol"),
    ],
)
def test_anything_less_is_no_success(job: Job, events: list[dict[str, Any]], words: str) -> None:
    ok, sentence = say(job, events)
    assert not ok and words in sentence


def test_the_node_that_broke_first_is_named_with_its_last_lines() -> None:
    failure = find_failure(LOG)
    assert (failure.node, failure.node_rank, failure.local_rank, failure.exit_code) == ("compute-2", 1, 0, 2)
    assert failure.lines[-1] == "1: error: corpus /x is missing"
    _, sentence = say(Job(7, "FAILED", 1, 0), [], failure)
    assert sentence == (
        "job 7 ended as FAILED with exit code 1; compute-2, process 0 broke first with exit code 2:"
        " error: corpus /x is missing."
    )


def test_the_earliest_process_counts_whatever_the_order_of_the_log() -> None:
    second = [line for line in LOG if line.startswith("1: ")]
    first = [line for line in LOG if line.startswith("0: ")]
    assert find_failure([*first, *second]).node == "compute-2"


def test_without_a_launchers_note_srun_tells() -> None:
    log = [LOG[0], LOG[1], "1: bash: line 1: /fsx/env/bin/python: No such file or directory"]
    failure = find_failure(
        [
            *log,
            "srun: error: compute-1: task 0: Terminated",
            "srun: error: compute-2: task 1: Exited with exit code 127",
        ]
    )
    assert (failure.node, failure.exit_code) == ("compute-2", 127)
    assert any("No such file" in line for line in failure.lines)


def test_a_log_that_tells_nothing_gives_its_last_lines() -> None:
    assert find_failure(["slurmstepd: error: something"]).lines == ("slurmstepd: error: something",)
    assert find_failure([]).lines == ()


def test_only_the_last_attempt_of_a_requeued_job_counts() -> None:
    assert find_failure([*LOG, LOG[1], LOG[0], "0: step 1/60"]).node_rank is None
