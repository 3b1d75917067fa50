"""What a person reads of the boot is what the code does."""

from __future__ import annotations

from pathlib import Path

from boot import runner
from boot.adapters import NAMES

ROOT = Path(__file__).parents[3]


def test_the_page_names_every_retry_and_every_provider() -> None:
    page = (ROOT / "docs/boot.md").read_text()
    assert "tried four times" in page and runner.Boot.attempts == 4
    assert "pauses of 5, 15 and 45 s" in page.replace("\n", " ") and runner.Boot.pauses == (5, 15, 45)
    told = page.lower()
    assert all(name in told for name in NAMES)


def test_hooks_are_short_and_configure_nothing() -> None:
    for path in (ROOT / "roles/node_boot/files").glob("*/*.sh"):
        lines = path.read_text().splitlines()
        assert len(lines) <= 40, path
        # The one of EKS on HyperPod is without Ansible: it only moves two directories.
        free = path.parent.name == "hyperpod_eks"
        assert free or not [line for line in lines if "apt-get" in line or "systemctl" in line], path
