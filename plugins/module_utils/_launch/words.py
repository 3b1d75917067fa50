# Private to awsome.training: its API may change without notice.
"""The sentences that a wrong word ends in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class SpecError(ValueError):
    """Bad input, told in one sentence."""


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def hint(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """', did you mean 'x'?' when a known word is near; else nothing."""
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=cutoff)
    return f" (did you mean '{near[0]}'?)" if near else ""


def check_keys(raw: Mapping[Any, Any], known: Iterable[str], source: str) -> None:
    names = list(known)
    for key in raw:
        if key not in names:
            raise SpecError(f"{source}: unknown key '{key}'{hint(key, names)}; the keys are {listed(names)}.")
