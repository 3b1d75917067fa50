# Private to awsome.training: its API may change without notice.
"""The lockfile: every file of the mirror, where it comes from and what it must be. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

KINDS = ("artefact", "index", "key", "package", "signature")
_HEAD = """\
---
# Every file of the mirror. Written by playbooks/mirror.yml of awsome.training: do not edit it, run the playbook again.
#   filled: the catalogue has no checksum of the file yet. Compare this one with the vendor's, then copy it there.
"""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Entry:
    """One file of the mirror."""

    kind: str
    url: str
    path: str
    sha256: str
    size: int | None = None  # what the vendor does not tell is not known
    needed_by: set[str] = field(default_factory=set)
    filled: bool = False
    signed_by: str = ""

    def row(self) -> dict[str, Any]:
        told: dict[str, Any] = {"url": self.url, "path": self.path, "sha256": self.sha256, "size": self.size}
        told = {"kind": self.kind, **told, "needed_by": sorted(self.needed_by)}
        return {
            **told,
            **({"filled": True} if self.filled else {}),
            **({"signed_by": self.signed_by} if self.signed_by else {}),
        }


@dataclass
class Lock:
    plan: str  # the digest of the plan that it was made of
    entries: list[Entry]
    from_distribution: dict[str, list[str]] = field(default_factory=dict)  # by repository

    def text(self) -> str:
        rows = [entry.row() for entry in self.entries]
        data = {"plan": self.plan, "from_distribution": self.from_distribution, "files": rows}
        return _HEAD + str(yaml.dump(data, Dumper=_DUMPER, sort_keys=False, width=1000, allow_unicode=True))

    @property
    def filled(self) -> list[str]:
        return [f"{', '.join(sorted(one.needed_by))}: {one.url} {one.sha256}" for one in self.entries if one.filled]


def merged(entries: Iterable[Entry]) -> list[Entry]:
    """One entry for each place, in order of place; two that disagree about a file are refused."""
    found: dict[str, Entry] = {}
    for entry in entries:
        other = found.setdefault(entry.path, entry)
        if other.sha256 != entry.sha256:
            raise MirrorError(
                f"mirror: {entry.url} was {other.sha256} and is {entry.sha256}, both for {entry.path}; the vendor "
                f"changed it meanwhile: run again."
            )
        other.needed_by |= entry.needed_by
        other.signed_by = other.signed_by or entry.signed_by
    return [found[path] for path in sorted(found)]


def read(text: str, name: str) -> Lock:
    """A lockfile, judged: no entry may leave the mirror or lack a checksum."""
    try:
        data = yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise MirrorError(f"{name} is not YAML: {' '.join(str(error).split())}; remove it and lock again.") from None
    if not isinstance(data, Mapping) or not isinstance(data.get("files"), list):
        raise MirrorError(f"{name} has no list 'files', so it is no lockfile; remove it and lock again.")
    entries = [_entry(row, f"{name}: files[{number}]") for number, row in enumerate(data["files"])]
    return Lock(str(data.get("plan", "")), entries, data.get("from_distribution") or {})


def _entry(row: Any, where: str) -> Entry:
    if not isinstance(row, Mapping):
        raise MirrorError(f"{where} is {row!r}, expected a mapping; remove the lockfile and lock again.")
    tests = {
        "kind": row.get("kind") in KINDS,
        "url": bool(re.match(r"(https?://[^/\s]+|file://)/\S+$", str(row.get("url")))),
        "path": _inside(row.get("path")),
        "sha256": bool(re.fullmatch(r"[0-9a-f]{64}", str(row.get("sha256")))),
        "size": row.get("size") is None or (isinstance(row["size"], int) and row["size"] >= 0),
        "needed_by": isinstance(row.get("needed_by"), list),
    }
    for key, good in tests.items():
        if not good:
            raise MirrorError(
                f"{where}: {key} is {row.get(key)!r}, which no lock writes; remove the lockfile and lock again."
            )
    return Entry(
        row["kind"], row["url"], row["path"], row["sha256"], row.get("size"), set(row["needed_by"]),
        bool(row.get("filled")), str(row.get("signed_by") or ""),
    )  # fmt: skip


def _inside(path: Any) -> bool:
    text = str(path or "")
    return bool(text) and text == posixpath.normpath(text) and not text.startswith(("/", "..", "."))
