# Private to awsome.training: its API may change without notice.
"""A lock on a shared file system: a directory, since a rename is atomic there, with its owner and the time it ends."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class LockError(OSError):
    """The lock could not be had; the sentence names its owner."""


@contextmanager
def hold(path: Path, expires_seconds: float, wait_seconds: float, pause: float = 0.2) -> Iterator[None]:
    """Hold the lock while the block runs. One whose owner is past its time, as after a crash, is taken away."""
    owner = {"host": socket.gethostname(), "pid": os.getpid(), "until": time.time() + expires_seconds}
    end = time.monotonic() + wait_seconds
    while not _take(path, owner):
        if _is_stale(path, expires_seconds):
            _break(path, owner, expires_seconds)
        elif time.monotonic() >= end:
            raise LockError(
                f"{path} is held by {_told(path)}, and was not given back within {wait_seconds:g} s; wait for that "
                "node, or remove the directory if it is gone."
            )
        else:
            time.sleep(pause)
    try:
        yield
    finally:
        if read(path).get("host") == owner["host"] and read(path).get("pid") == owner["pid"]:
            shutil.rmtree(path, ignore_errors=True)


def read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / "owner.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _take(path: Path, owner: dict[str, Any]) -> bool:
    """Make the lock elsewhere and rename it: it never exists without its owner. A directory is not renamed onto one."""
    draft = path.with_name(f"{path.name}.{owner['host']}.{owner['pid']}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    (draft / "owner.json").write_text(json.dumps(owner))
    try:
        draft.rename(path)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        return False
    return True


def _is_stale(path: Path, expires_seconds: float) -> bool:
    """The owner's own word counts; without one, the age of the directory."""
    until = read(path).get("until")
    try:
        return time.time() > (until if isinstance(until, (int, float)) else path.stat().st_mtime + expires_seconds)
    except OSError:
        return False  # it was given back just now


def _break(path: Path, owner: dict[str, Any], expires_seconds: float) -> None:
    """Rename the stale lock away: of those who try, one succeeds."""
    away = path.with_name(f"{path.name}.stale.{owner['host']}.{owner['pid']}")
    try:
        path.rename(away)
        if not _is_stale(away, expires_seconds):
            away.rename(path)  # somebody broke it before, and this is already the next one's
            return
    except OSError:
        return
    shutil.rmtree(away, ignore_errors=True)


def _told(path: Path) -> str:
    owner = read(path)
    if not owner:
        return "a node that left no name"
    until = time.strftime("%H:%M:%S UTC", time.gmtime(owner.get("until", 0)))
    return f"{owner.get('host')} (process {owner.get('pid')}, until {until})"
