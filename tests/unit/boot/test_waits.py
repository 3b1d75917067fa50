"""Conditions are awaited with a bound, and no longer than they take."""

from __future__ import annotations

from pathlib import Path

import pytest
from boot import waits
from boot.faults import BootError
from boot.plan import Wait


class Clock:
    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


def test_a_name_that_comes_late_is_waited_for() -> None:
    clock = Clock()
    wait = Wait("name", "fs-1.fsx.example", "look at the VPC.", seconds=300)
    took = waits.until(wait, clock.now, clock.pause, lambda _: "" if clock.time > 20 else "the resolver says: unknown")
    assert 20 < took < 26
    assert clock.pauses[0] == 0.1 and max(clock.pauses) == 5.0


def test_what_does_not_come_ends_the_wait_with_a_sentence() -> None:
    clock = Clock()
    wait = Wait("name", "fs-1.fsx.example", "look at the VPC.", seconds=10)
    with pytest.raises(
        BootError, match=r"fs-1.fsx.example cannot be resolved after 10 s \(unknown\): look at the VPC."
    ) as late:
        waits.until(wait, clock.now, clock.pause, lambda _: "unknown")
    assert clock.time == pytest.approx(10) and late.value.code == 2


def test_a_file_counts_when_it_says_what_it_must(tmp_path: Path) -> None:
    path = tmp_path / "slurm.conf"
    wait = Wait("file", str(path), "", pattern="^SlurmctldHost=")
    assert waits.met(wait) == "No such file or directory"
    path.write_text("")
    assert waits.met(wait) == "the file is empty"
    path.write_text("ClusterName=a\n")
    assert waits.met(wait) == "the file has no line ^SlurmctldHost="
    path.write_text("ClusterName=a\nSlurmctldHost=b\n")
    assert waits.met(wait) == ""


def test_the_resolver_is_asked() -> None:
    assert waits.met(Wait("name", "localhost", "")) == ""
    assert "the resolver says" in waits.met(Wait("name", "no-such-name.invalid", ""))
