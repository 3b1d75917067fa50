"""What ends a boot, and how input is judged: every fault of every file at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class BootError(Exception):
    """The boot cannot go on. Its message says what, why and what to do; `code` is the exit status of the hook."""

    def __init__(self, *sentences: str, code: int = 1) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences
        self.code = code


class InputError(BootError):
    """Faults of the input, each a sentence that names file, key and value."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(f"The input has {len(self.faults)} {noun}; nothing was changed.", *self.faults)


class Judge:
    """Collects the faults of one file; each check returns the value, or a harmless one in its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []
        self.notes: list[str] = []

    def fault(self, key: str, value: Any, expected: str) -> None:
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        shown = "missing" if value is None else f"{shown[:80]!r}"
        self.faults.append(f"{self.path}: {key} is {shown}, expected {expected}.")

    def load(self) -> dict[str, Any]:
        """The JSON object of the file; an unreadable or malformed file is one fault, and counts as empty."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            self.faults.append(f"{self.path}: cannot be read ({error.strerror}); put the file there.")
            return {}
        except UnicodeDecodeError:
            self.faults.append(f"{self.path}: is not UTF-8, expected JSON text.")
            return {}
        except ValueError as error:
            self.faults.append(f"{self.path}: is not JSON ({error}); correct the file and upload it again.")
            return {}
        return self.mapping("the file", data)

    def mapping(self, key: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.fault(key, value, "an object")
        return {}

    def list(self, key: str, value: Any) -> list[Any]:
        if isinstance(value, list):
            return value
        self.fault(key, value, "a list")
        return []

    def text(
        self, key: str, value: Any, expected: str = "a text", pattern: str = r"\S+", optional: bool = False
    ) -> str:
        if value is None and optional:
            return ""
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self.fault(key, value, expected)
        return ""

    def known_keys(self, data: Mapping[str, Any], known: Iterable[str], where: str = "") -> None:
        """A key that is nearly a known one is a fault; one that is like none is somebody else's, and told."""
        known = list(known)
        for key in data:
            if key in known:
                continue
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.75)
            if near:
                self.faults.append(f"{self.path}: {where}{key} is no key of this file; did you mean {near[0]!r}?")
            else:
                self.notes.append(f"{self.path}: {where}{key} is not used.")


def judged(*judges: Judge) -> None:
    """Refuse the input with all its faults, or let it pass."""
    found = [fault for judge in judges for fault in judge.faults]
    if found:
        raise InputError(found)
