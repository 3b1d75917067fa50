"""The boot package as it lies in the bundle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "roles/node_boot/files"))

from unit.boot.metadata import HyperPod


@pytest.fixture
def hyperpod(tmp_path: Path) -> HyperPod:
    return HyperPod(tmp_path)
