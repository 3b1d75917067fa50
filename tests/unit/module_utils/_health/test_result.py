"""Answers are appended and the worst one wins."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._health import result

FACTS = {
    "a": {
        "awsome_check_munge": [{"check": "munge.trip", "status": "pass", "reason": "", "seconds": 0.1}],
        "ansible_system": "Linux",
    },
    "b": {"awsome_check_slurm": [{"check": "slurm.up", "status": "fail", "reason": "it is down", "seconds": 0.1}]},
}


def answers(*statuses: str) -> list[dict]:
    return [{"host": "n", "check": f"c.{i}", "status": s, "reason": "r", "seconds": 0} for i, s in enumerate(statuses)]


def test_every_host_and_role_is_collected() -> None:
    assert [(one["host"], one["check"]) for one in result.collect(FACTS)] == [("a", "munge.trip"), ("b", "slurm.up")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["fail", "pass"], "fail"),
        (["pass", "not-checked"], "not-checked"),
        (["not-checked", "fail", "pass"], "fail"),
        ([], "not-checked"),
    ],
)
def test_the_worst_answer_wins(given: list[str], expected: str) -> None:
    assert result.summarise(answers(*given))["status"] == expected


def test_a_silent_host_is_not_checked() -> None:
    folded = result.summarise(answers("pass"), silent_hosts=["away"])
    assert folded["status"] == "not-checked"
    assert result.sentences(folded) == ["away: node.reached: not-checked: no check ran on this host"]


def test_failures_are_told_first() -> None:
    told = result.sentences(result.summarise(answers("not-checked", "fail")))
    assert [line.split(": ")[2] for line in told] == ["fail", "not-checked"]
