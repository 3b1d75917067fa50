"""Wait for conditions, with a bound and without fixed sleeps."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

from boot.faults import BootError
from boot.plan import Wait


def met(wait: Wait) -> str:
    """Empty when the condition holds, else what is seen instead."""
    if wait.kind == "name":
        try:
            socket.getaddrinfo(wait.target, None)
        except OSError as error:
            return f"the resolver says: {error.strerror or error}"
        return ""
    path = Path(wait.target)
    try:
        text = path.read_bytes()
    except OSError as error:
        return f"{error.strerror}"
    if not text:
        return "the file is empty"
    if wait.pattern and not re.search(wait.pattern.encode(), text, re.MULTILINE):
        return f"the file has no line {wait.pattern}"
    return ""


def until(
    wait: Wait,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
    seen: Callable[[Wait], str] = met,
) -> float:
    """Look again and again, at first ten times a second, later every five; tell the seconds that it took."""
    start, gap = now(), 0.1
    while True:
        trouble = seen(wait)
        waited = now() - start
        if not trouble:
            return waited
        if waited >= wait.seconds:
            what = f"{wait.target} cannot be resolved" if wait.kind == "name" else f"{wait.target} has not come"
            raise BootError(f"{what} after {wait.seconds} s ({trouble}): {wait.why}", code=2)
        pause(min(gap, max(0.0, wait.seconds - waited)))
        gap = min(gap * 1.5, 5.0)
