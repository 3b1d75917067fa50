# Private to awsome.training: its API may change without notice.
"""Bring the files of a configuration directory to a wanted state: look first, say what differs, then act."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Change:
    """One file that is not as wanted; after None it should not be there."""

    path: Path
    before: str | None
    after: str | None


def read(path: Path) -> str | None:
    """The text of a file, or None where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def changes(directory: Path, texts: dict[str, str | None], owner: tuple[int, int], mode: int) -> list[Change]:
    """Say which files are not as wanted, in the order in which they were given."""
    found = []
    for name, after in texts.items():
        path = directory / name
        before = read(path)
        if before != after or (after is not None and not _owned(path, owner, mode)):
            found.append(Change(path, before, after))
    return found


def apply(change: Change, owner: tuple[int, int], mode: int) -> None:
    """Make one file as wanted. It appears whole or not at all; through a link, the file behind it is meant."""
    if change.after is None:
        change.path.unlink()
        return
    target = Path(os.path.realpath(change.path))
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(change.after)
            stream.flush()
            os.fchown(stream.fileno(), *owner)
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def _owned(path: Path, owner: tuple[int, int], mode: int) -> bool:
    seen = path.stat()
    return ((seen.st_uid, seen.st_gid), stat.S_IMODE(seen.st_mode)) == (owner, mode)
