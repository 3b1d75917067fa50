# Private to awsome.training: its API may change without notice.
"""Versions as vendors and packagers spell them, and ranges of them. Pure.

A range is bounds between commas, all of which must hold: `>=1.22,<2`. `==12.9` is every 12.9.x, a bare word that word.
"""

from __future__ import annotations

import re

Key = tuple[tuple[int, ...], int, tuple[int, ...]]

_BOUND = re.compile(r"^(>=|<=|==|!=|>|<)?([A-Za-z0-9][^\s,<>=!]*)$")
_EARLY = re.compile(r"^(~|[._-]?(rc|alpha|beta|pre|dev))", re.IGNORECASE)
_ORDERS = {">=": (0, 1), "<=": (-1, 0), "==": (0,), "!=": (-1, 1), ">": (1,), "<": (-1,)}


class VersionError(ValueError):
    """A version or a range that cannot be read; the sentence quotes it."""


def head(version: str) -> str:
    """A version without its packager's epoch and revision: `1:2.27.7-1+cuda12.9` is 2.27.7."""
    return re.split(r"[-+]", re.sub(r"^\d+:", "", version.strip()))[0].lstrip("vV")


def key(version: str, revision: bool = False) -> Key:
    """What a version is ordered by: its numbers, whether it is before or after that release, and the numbers after it.

    With `revision` the packager's counts as well: of a kernel it says more than the release.
    """
    numbers, rest = _split(version, revision)
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers, -1 if _EARLY.match(rest) else int(bool(rest)), tuple(int(one) for one in re.findall(r"\d+", rest))


def compare(left: str, right: str) -> int:
    """-1, 0 or 1. A packager's revision counts only if the right one names one."""
    revision = "-" in right
    one, other = key(left, revision), key(right, revision)
    return (one > other) - (one < other)


def holds(version: str, wanted: str) -> bool:
    """Whether a version is within a range."""
    return all(_within(version, bound.strip(), wanted) for bound in wanted.split(","))


def told_range(wanted: str) -> str:
    return re.sub(r"^==", "", wanted).replace(",", " and ")


def _within(version: str, bound: str, wanted: str) -> bool:
    match = _BOUND.match(bound)
    if not match:
        raise VersionError(f"{wanted!r} is no range of versions: expected bounds such as >=1.22, with commas between.")
    sign, limit = match.group(1) or "==", match.group(2)
    if sign in ("==", "!="):
        order = 0 if (_in_series(version, limit) if limit[0].isdigit() else version == limit) else 1
    else:
        order = compare(version, limit)
    return order in _ORDERS[sign]


def _in_series(version: str, limit: str) -> bool:
    """Whether a version is the limit, or a later part of its series."""
    numbers, rest = _split(limit, "-" in limit)
    ours, ours_rest = _split(version, "-" in limit)
    ours += (0,) * (len(numbers) - len(ours))
    return ours[: len(numbers)] == numbers and (not rest or rest == ours_rest)


def _split(version: str, revision: bool) -> tuple[tuple[int, ...], str]:
    text = re.sub(r"^\d+:", "", version.strip()).lstrip("vV").split("+")[0]
    text = text.replace("-", ".") if revision else text.split("-")[0]
    found = re.match(r"\d+(?:\.\d+)*", text)
    if not found:
        raise VersionError(f"{version!r} is no version: expected one that starts with a number.")
    return tuple(int(one) for one in found.group().split(".")), text[found.end() :]
