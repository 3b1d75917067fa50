# Private to awsome.training: its API may change without notice.
"""What the parts of the mirror have in common. Pure."""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit

from ansible_collections.awsome.training.plugins.module_utils import _repository as repository


class MirrorError(ValueError):
    """What stops a mirror from being made or trusted; the sentence names the place, what was expected, what to do."""


def beside(base: str, relative: str, label: str) -> str:
    """The URL of a file that an index names, which must lie below the index's own base."""
    path = posixpath.normpath(relative)
    if path.startswith(("/", "../")) or path in ("..", ".") or "://" in relative or "\\" in relative:
        raise MirrorError(
            f"{label}: the index names the file {relative!r}, expected one below {base}; nothing was fetched."
        )
    return f"{base.rstrip('/')}/{path}"


def repository_path(url: str) -> str:
    """Where the mirror keeps a file of a package repository: what `repository_mirror_url` asks for, in the mirror."""
    return repository.mirrored(url.partition("?")[0], "repositories")


def host(url: str) -> str:
    return urlsplit(url).netloc or "this machine"


def listed(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def told_size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
