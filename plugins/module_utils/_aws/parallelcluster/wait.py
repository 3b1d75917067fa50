# Private to awsome.training: its API may change without notice.
"""Ask until something has settled: bounded, less and less often, and telling what was seen on the way."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

Seen = TypeVar("Seen")


class WaitError(TimeoutError):
    """It did not settle in time; the message tells what was seen last."""


def until(
    read: Callable[[], Seen],
    settled: Callable[[Seen], bool],
    word: Callable[[Seen], str],
    *,
    what: str,
    seconds: float,
    first: float = 10.0,
    longest: float = 60.0,
    note: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Seen:
    """Read until `settled`. `note` gets a line whenever the word for what is seen changes."""
    began, pause, last = clock(), first, ""
    while True:
        seen = read()
        passed, now = clock() - began, word(seen)
        if now != last:
            note(f"{passed:.0f} s: {now}")
            last = now
        if settled(seen):
            return seen
        if passed + pause > seconds:
            raise WaitError(
                f"{what} is still {now} after {passed:.0f} s; it goes on by itself, so run again to wait on, or raise "
                "timeout_seconds."
            )
        sleep(pause)
        pause = min(pause * 1.5, longest)
