# Private to awsome.training: its API may change without notice.
"""A root file system to look at: that of this machine, or one below a directory, of which nothing is ever executed.

Below a directory every symbolic link is followed as if the directory were the root: no link leads out of it.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import re
import sqlite3
import struct
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils._health import check

TEXT_BYTES, DATA_BYTES = 4 << 20, 64 << 20
_MAX_LINKS = 40
_DPKG = ("/var/lib/dpkg/status", "/var/lib/dpkg/status.d/*")
_RPM = ("/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite")
_RPM_TAGS = {1000: "name", 1001: "version", 1002: "release"}
_CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv", "/run/systemd/container")


class RootError(ValueError):
    """The root cannot be looked at; the sentence says why."""


class Root:
    """`path` is the root; a program of it is run only where it is the root of this machine."""

    def __init__(self, path: str = "/", runner: check.Runner = check.run) -> None:
        self.path = Path(path)
        self.is_host = self.path.resolve() == Path("/")
        self._runner = runner
        if not self.path.is_dir():
            raise RootError(f"root {path} is no directory; name the root of a system, such as a mounted image.")

    def resolve(self, name: str) -> Path | None:
        """Where a path of this root really is, or None."""
        links, todo, done = 0, [part for part in name.split("/") if part], Path("/")
        while todo:
            part = todo.pop(0)
            if part in (".", ".."):
                done = done.parent if part == ".." else done
                continue
            here = self.path / (done / part).relative_to("/")
            if not here.is_symlink():
                done = done / part
                continue
            links += 1
            target = str(here.readlink())
            if links > _MAX_LINKS:
                return None
            todo = [one for one in target.split("/") if one] + todo
            done = Path("/") if target.startswith("/") else done
        real = self.path / done.relative_to("/")
        return real if real.exists() else None

    def find(self, pattern: str) -> list[str]:
        """The paths of this root that match a pattern, in order."""
        found = [""]
        for part in pattern.strip("/").split("/"):
            found = [f"{parent}/{name}" for parent in found for name in self._matching(parent, part)]
        return [path for path in found if self.resolve(path)]

    def _matching(self, parent: str, part: str) -> list[str]:
        if not re.search(r"[*?\[]", part):
            return [part]
        real = self.resolve(parent or "/")
        try:
            return sorted(fnmatch.filter([path.name for path in real.iterdir()], part)) if real else []
        except OSError:
            return []

    def data(self, path: str, limit: int = DATA_BYTES) -> bytes:
        """The start of a file; nothing where it cannot be read."""
        real = self.resolve(path)
        if real is None or not real.is_file():
            return b""
        try:
            with real.open("rb") as stream:
                return stream.read(limit)
        except OSError:
            return b""

    def text(self, path: str) -> str:
        return self.data(path, TEXT_BYTES).decode(errors="replace")

    def run(self, *argv: str) -> str:
        """What a program of this machine prints; nothing where the root is another's, or the program fails."""
        if not self.is_host:
            return ""
        done = self._runner(list(argv), 10)
        return done.stdout if done.rc == 0 else ""

    @property
    def is_container(self) -> bool:
        return any(self.resolve(path) for path in _CONTAINER_MARKS)

    @functools.cached_property
    def packages(self) -> dict[str, str]:
        """The system's packages and their versions, from the package manager's own files."""
        found: dict[str, str] = {}
        for pattern in _DPKG:
            for path in self.find(pattern):
                found.update(dpkg(self.data(path).decode(errors="replace")))
        for path in _RPM:
            real = self.resolve(path)
            if real:
                found.update(rpm(real, in_use=self.is_host))
                break
        return found


class Packages(Root):
    """No root, but what its package manager would tell of it."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self.packages = dict(packages)
        self.path, self.is_host = Path("/nonexistent"), False


def dpkg(text: str) -> dict[str, str]:
    """The installed packages of a status file of dpkg's; in status.d of small images there is no Status line."""
    found = {}
    for paragraph in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): *(.*)$", paragraph, re.MULTILINE))
        if "Package" in fields and "Version" in fields and fields.get("Status", "x installed").endswith(" installed"):
            found[fields["Package"]] = fields["Version"].strip()
    return found


def rpm(path: Path, in_use: bool = False) -> dict[str, str]:
    """The packages of an rpm database; of a name with several versions (kernels), none is told."""
    found: dict[str, set[str]] = {}
    for blob in _rows(path, in_use):
        with contextlib.suppress(struct.error, KeyError):
            tags = rpm_header(blob)
            found.setdefault(tags["name"], set()).add(f"{tags['version']}-{tags['release']}")
    return {name: versions.pop() for name, versions in found.items() if len(versions) == 1}


def _rows(path: Path, in_use: bool) -> list[bytes]:
    # `immutable` leaves no file beside the database, and is wrong where someone may write to it meanwhile.
    uri = f"{path.resolve().as_uri()}?mode=ro{'' if in_use else '&immutable=1'}"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
            return [blob for (blob,) in database.execute("SELECT blob FROM Packages")]
    except sqlite3.Error:
        return []


def rpm_header(blob: bytes) -> dict[str, str]:
    """Name, version and release in an rpm header: an index of (tag, type, offset, count), then the values."""
    entries, _ = struct.unpack_from(">II", blob)
    values = 8 + 16 * entries
    found = {}
    for number in range(entries):
        tag, kind, offset, _ = struct.unpack_from(">IIiI", blob, 8 + 16 * number)
        if tag in _RPM_TAGS and kind == 6:  # a string
            start = values + offset
            found[_RPM_TAGS[tag]] = blob[start : blob.index(b"\0", start)].decode(errors="replace")
    return found
