# Private to awsome.training: its API may change without notice.
"""Slurm's short form of many host names: node[001-128,130]."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product

# Slurm expands at most this many names from one pair of brackets (MAX_RANGE in its hostlist code).
MAX_RANGE = 64 * 1024

# A longer number is taken as text: Slurm counts in machine words.
_NUMBERED = re.compile(r"^(.*?)([0-9]{1,9})$")
_RANGE = re.compile(r"^([0-9]{1,9})(?:-([0-9]{1,9}))?$")
_WORDS = re.compile(r"([0-9]+)")


class HostlistError(ValueError):
    """A host list that cannot be read; the message says what is wrong with it."""


@lru_cache(maxsize=MAX_RANGE)
def natural_key(name: str) -> tuple[tuple[str, int, str], ...]:
    """Order names as people do: node2 before node10."""
    *pairs, last = _WORDS.split(name)
    return (*((text, int(number), number) for text, number in zip(pairs[::2], pairs[1::2])), (last, -1, ""))


def expand(expression: str) -> list[str]:
    """List the names of an expression, in its order: 'n[08-10],login' is n08, n09, n10, login."""
    return [name for part in _split(expression) for name in _expand_one(part, expression)]


def compress(names: Iterable[str]) -> str:
    """Write names as one expression, each once, in natural order; expand() gives them back."""
    return fold(sorted(set(names), key=natural_key))


def fold(names: Iterable[str]) -> str:
    """Write names as one expression and keep their order, so that two lists of one order stay parallel."""
    parts: list[str] = []
    prefix: str | None = None
    ranges: list[tuple[str, str]] = []

    def close() -> None:
        if prefix is None:
            return
        if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
            parts.append(prefix + ranges[0][0])
        else:
            inside = ",".join(first if first == last else f"{first}-{last}" for first, last in ranges)
            parts.append(f"{prefix}[{inside}]")

    for name in names:
        match = _NUMBERED.match(name)
        if match is None:
            close()
            prefix, ranges = None, []
            parts.append(name)
            continue
        stem, number = match.groups()
        if stem != prefix:
            close()
            prefix, ranges = stem, [(number, number)]
        else:
            first, last = ranges[-1]
            # Slurm pads a range to the width of its first number, so the next number must look exactly like that.
            if number == str(int(last) + 1).zfill(len(first)) and int(number) - int(first) < MAX_RANGE:
                ranges[-1] = (first, number)
            else:
                ranges.append((number, number))
    close()
    return ",".join(parts)


def _split(expression: str) -> list[str]:
    """Cut at the commas outside brackets."""
    parts, depth, word = [], 0, ""
    for letter in expression.strip():
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if depth not in (0, 1):
            raise HostlistError(f"host list {expression!r}: brackets do not match")
        if letter == "," and depth == 0:
            parts.append(word)
            word = ""
        else:
            word += letter
    if depth:
        raise HostlistError(f"host list {expression!r}: a bracket is not closed")
    parts.append(word)
    return [part for part in (part.strip() for part in parts) if part]


def _expand_one(part: str, expression: str) -> list[str]:
    if "[" not in part:
        return [part]
    pieces = re.split(r"[\[\]]", part)
    choices = [[piece] if i % 2 == 0 else _numbers(piece, expression) for i, piece in enumerate(pieces)]
    return ["".join(choice) for choice in product(*choices)]


def _numbers(inside: str, expression: str) -> list[str]:
    numbers: list[str] = []
    for item in inside.split(","):
        match = _RANGE.match(item.strip())
        if match is None:
            raise HostlistError(f"host list {expression!r}: {item!r} is no number and no range such as 1-8")
        first, last = match.group(1), match.group(2) or match.group(1)
        if int(last) < int(first):
            raise HostlistError(f"host list {expression!r}: range {item!r} runs backwards")
        if int(last) - int(first) >= MAX_RANGE:
            raise HostlistError(f"host list {expression!r}: range {item!r} has more than {MAX_RANGE} names")
        numbers += [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    return numbers
