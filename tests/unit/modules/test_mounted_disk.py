"""Which disk is mounted, and whether one is still on its way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.modules import mounted_disk


def test_the_first_that_is_mounted_is_taken(tmp_path: Path) -> None:
    assert mounted_disk.first_mounted([str(tmp_path), "/proc", "/sys"]) == "/proc"
    assert mounted_disk.first_mounted([str(tmp_path)]) is None


@pytest.mark.parametrize(
    ("file_state", "state", "tried", "waits"),
    [
        ("enabled", "activating", "5", True),
        ("enabled", "inactive", "0", True),
        ("enabled", "inactive", "5", False),  # a condition was not met, or it is done
        ("enabled", "failed", "5", False),
        ("enabled", "active", "5", False),
        ("", "inactive", "0", False),  # no such unit
    ],
)
def test_only_a_unit_that_is_on_its_way_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, file_state: str, state: str, tried: str, waits: bool
) -> None:
    said = f"ConditionTimestampMonotonic={tried}\nActiveState={state}\nUnitFileState={file_state}\n"
    done = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(mounted_disk.subprocess, "run", lambda *words, **options: done)
    assert mounted_disk.coming(["dlami-nvme.service"]) is waits
