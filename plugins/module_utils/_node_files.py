# Private to awsome.training: its API may change without notice.
"""What a file should hold and whether it does: pure, so that it is tested without a file system."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any


class FileError(ValueError):
    """A file that cannot be written as asked; the sentence never quotes the content."""


def content(entry: dict[str, Any]) -> bytes | None:
    """Return the bytes that an entry asks for; None means that only a directory is wanted."""
    if entry.get("state") == "directory" or entry.get("state") == "absent":
        return None
    if entry.get("content_base64") is not None:
        try:
            return base64.b64decode("".join(entry["content_base64"].split()), validate=True)
        except (binascii.Error, ValueError):
            raise FileError(f"{entry['path']}: content_base64 is not base64.") from None
    return str(entry.get("content") or "").encode()


def keep(wanted: bytes, existing: bytes, pattern: str | None) -> bytes:
    """Append to wanted those lines of existing that match pattern and that wanted does not hold already."""
    if not pattern:
        return wanted
    held = set(wanted.splitlines())
    expression = re.compile(pattern.encode())
    kept = [line for line in existing.splitlines() if line not in held and expression.search(line)]
    return wanted + b"".join(line + b"\n" for line in kept)


def mode(entry: dict[str, Any]) -> int | None:
    if entry.get("mode") is None:
        return None
    try:
        return int(str(entry["mode"]), 8)
    except ValueError:
        raise FileError(
            f"{entry['path']}: mode {entry['mode']!r} is not octal; write it as a string such as '0644'."
        ) from None
