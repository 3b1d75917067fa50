# Private to awsome.training: its API may change without notice.
"""A node's network file systems: what is wanted and what is seen, turned into fstab's text and what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BEGIN, END = "# Begin of what awsome.training mounts", "# End of what awsome.training mounts"

# A node whose file system is away must boot all the same: nofail. The verify door tells that it is away.
_NET = ("_netdev", "nofail")
DEFAULTS = {
    # As FSx for Lustre's guide; with flock, locks hold between nodes.
    "lustre": ("noatime", "flock", *_NET),
    # As EFS's guide.
    "nfs": ("nfsvers=4.1", "noatime", "rsize=1048576", "wsize=1048576", "hard", "timeo=600", "retrans=2", *_NET),
    # As FSx for OpenZFS's guide: one connection does not fill the network.
    "openzfs": ("nfsvers=4.2", "noatime", "nconnect=16", "rsize=1048576", "wsize=1048576", "timeo=600", *_NET),
    # A directory of one of the above in another place, such as /home.
    "bind": ("bind", *_NET),
}
_KINDS = {"openzfs": "nfs", "bind": "none"}
_SOURCES = {
    "lustre": (r"[^\s@]+@\w+(:[^\s@]+@\w+)*:/\S+", "<server>@tcp:/<mount name>"),
    "nfs": (r"[^\s/]+:/\S*", "<server>:/<path>"),
    "openzfs": (r"[^\s/]+:/\S*", "<server>:/<path>"),
    "bind": (r"/\S+", "an absolute path"),
}


class MountError(ValueError):
    """A mount that cannot be; the sentence names it and says what to do."""


@dataclass(frozen=True)
class Mount:
    kind: str  # as mount(8) says it
    source: str
    path: str
    options: tuple[str, ...]

    @property
    def line(self) -> str:
        return f"{self.source} {self.path} {self.kind} {','.join(self.options)} 0 0"


@dataclass(frozen=True)
class Plan:
    unmount: tuple[str, ...]
    mount: tuple[Mount, ...]
    fstab: str


def judge(entries: Iterable[Mapping[str, Any]]) -> list[Mount]:
    """The mounts that the user lists, parents first."""
    found: dict[str, Mount] = {}
    for entry in entries:
        kind, source, path = entry["type"], entry["source"], entry["path"].rstrip("/")
        pattern, form = _SOURCES[kind]
        if not re.fullmatch(pattern, source):
            raise MountError(f"the {kind} mount {entry['path']} has the source {source!r}, expected {form}.")
        if not re.fullmatch(r"(/[^/\s]+)+", path) or {".", ".."} & set(path.split("/")):
            raise MountError(
                f"the mount of {source} has the path {entry['path']!r}, expected an absolute path below /."
            )
        if path in found:
            raise MountError(f"{path} is listed twice, for {found[path].source} and for {source}; take one out.")
        if odd := [option for option in entry.get("options") or [] if not re.fullmatch(r"[^\s,]+", option)]:
            raise MountError(f"the mount {path} has the option {odd[0]!r}, expected one option in each item.")
        found[path] = Mount(_KINDS.get(kind, kind), source, path, _options(kind, entry.get("options") or []))
    return [found[path] for path in sorted(found)]


def _options(kind: str, own: Iterable[str]) -> tuple[str, ...]:
    """The type's own options, and the user's: one takes the place of that of the same name."""
    laid = {option.partition("=")[0]: option for option in DEFAULTS[kind]}
    for option in own:
        name = option.partition("=")[0]
        for opposite in (f"no{name}", name[2:] if name.startswith("no") else ""):
            laid.pop(opposite, None)
        laid[name] = option
    return tuple(laid.values())


def mounted(mountinfo: str) -> dict[str, str]:
    """What is mounted where, by /proc/self/mountinfo; the last one counts."""
    found = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        words, about = left.split(), right.split()
        if len(words) > 4 and len(about) > 1:
            # Of a bind mount the kernel tells the directory on its file system, and no source.
            found[words[4].replace("\\040", " ")] = about[1]
    return found


def plan(wanted: Iterable[Mount], fstab: str, seen: Mapping[str, str]) -> Plan:
    """What to do. Only what an earlier run wrote is unmounted; what someone else wrote or mounted is refused."""
    mounts = list(wanted)
    ours, theirs = _split(fstab)
    lines = {line.split()[1]: line for line in ours}
    foreign = {line.split()[1]: line for line in theirs if len(line.split()) > 1 and not line.startswith("#")}
    new, stale = [], [path for path in lines if path not in {mount.path for mount in mounts}]
    for mount in mounts:
        if mount.path in foreign:
            raise MountError(
                f"{mount.path} stands in /etc/fstab already ({foreign[mount.path]!r}), written by someone else; remove "
                f"that line, or take the mount off the list."
            )
        if mount.path not in seen:
            new.append(mount)
        elif mount.path in lines:
            if lines[mount.path] != mount.line:
                stale.append(mount.path)
                new.append(mount)
        elif seen[mount.path].rstrip("/") != mount.source.rstrip("/"):
            raise MountError(
                f"{mount.path} is where {seen[mount.path]} is mounted, by someone else; unmount it, or give "
                f"{mount.source} another path."
            )
    unmount = sorted((path for path in stale if path in seen), reverse=True)
    return Plan(tuple(unmount), tuple(new), text(mounts, fstab))


def text(mounts: Iterable[Mount], fstab: str) -> str:
    lines = [mount.line for mount in mounts]
    theirs = "".join(f"{line}\n" for line in _split(fstab)[1])
    return theirs + ("".join(f"{line}\n" for line in [BEGIN, *lines, END]) if lines else "")


def _split(fstab: str) -> tuple[list[str], list[str]]:
    """Our lines, and everyone else's."""
    ours: list[str] = []
    theirs: list[str] = []
    within = False
    for line in fstab.splitlines():
        if line in (BEGIN, END):
            within = line == BEGIN
        elif within:
            ours.append(line)
        else:
            theirs.append(line)
    return ours, theirs


def trouble(mount: Mount, said: str, seconds: float) -> str:
    """One sentence about a mount that failed; `said` is empty where nothing was answered in time."""
    what = f"{mount.source} cannot be mounted at {mount.path}"
    if not said:
        port = {"lustre": 988, "nfs": 2049}.get(mount.kind)
        hint = f", and is TCP port {port} open from here" if port else ""
        return f"{what}: no answer within {seconds:g} s; is the name right{hint}?"
    return f"{what}: {' '.join(said.split())}"
