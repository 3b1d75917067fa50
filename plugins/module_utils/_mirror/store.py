# Private to awsome.training: its API may change without notice.
"""The mirror's directory: a file is in its place whole and checked, or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils._mirror.lock import Entry
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError, told_size

PARTIAL = ".partial"


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the directory alone; what a run that was killed left half-written is removed."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / ".lock").open("w") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise MirrorError(
                        f"mirror: another run writes into {self.root}; wait until it has ended."
                    ) from None
                shutil.rmtree(self.root / PARTIAL, ignore_errors=True)
                (self.root / PARTIAL).mkdir()
                yield
                shutil.rmtree(self.root / PARTIAL, ignore_errors=True)
        except OSError as error:
            hint = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that"
            raise MirrorError(
                f"mirror: {error.filename or self.root} cannot be written: {error.strerror or error}; {hint} and run "
                f"again, what is there already is kept."
            ) from error

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A place for one file that is not whole yet, on the same file system."""
        with tempfile.TemporaryDirectory(dir=self.root / PARTIAL) as name:
            yield Path(name) / "file"

    def adopt(self, file: Path, path: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        file.chmod(0o644)
        file.replace(place)

    def write(self, content: bytes, path: str) -> None:
        with self.scratch() as file:
            file.write_bytes(content)
            self.adopt(file, path)

    def holds(self, entry: Entry) -> bool:
        """Whether the file is there. It was checked before it came to its place, so its size will do."""
        place = self.root / entry.path
        return place.is_file() and (entry.size is None or place.stat().st_size == entry.size)

    def trouble(self, entry: Entry) -> str:
        """What is wrong with a file after all of it was read; empty if nothing is."""
        place = self.root / entry.path
        if not place.is_file():
            return f"{entry.path} is missing"
        got = hash_of(place)
        return "" if got == entry.sha256 else f"{entry.path} is damaged: its sha256 is {got}, expected {entry.sha256}"

    def room_for(self, entries: list[Entry]) -> None:
        """Refuse before the first byte what the disk cannot take."""
        needed, free = sum(entry.size or 0 for entry in entries), shutil.disk_usage(self.root).free
        if needed > free:
            raise MirrorError(
                f"mirror: {self.root} has {told_size(free)} free, expected {told_size(needed)} for {len(entries)} "
                f"files; choose another mirror_dir, or fewer profiles, platforms and architectures."
            )


def hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
