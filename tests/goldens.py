"""Golden files: what a renderer wrote when a person last looked at it.

`AWSOME_UPDATE_GOLDENS=1 pytest tests` writes them anew; then read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parent / "golden"
UPDATE = "AWSOME_UPDATE_GOLDENS"


def assert_golden(name: str, text: str) -> None:
    """`text` is what tests/golden/<name> holds."""
    path = ROOT / name
    if os.environ.get(UPDATE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.is_file(), f"tests/golden/{name} is missing; write it with {UPDATE}=1 pytest tests"
    assert text == path.read_text(), f"tests/golden/{name} differs; write it with {UPDATE}=1 pytest tests"
