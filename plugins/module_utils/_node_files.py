# Private to awsome.training: its API may change without notice.
"""What a file should hold, and how it comes to hold that: whole, or not at all."""

from __future__ import annotations

import base64
import binascii
import grp
import os
import pwd
import re
import shlex
import stat
import tempfile
from pathlib import Path
from typing import Any, Callable

Judge = Callable[[list[str]], str]  # runs a command; what it complained of, or nothing


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
    """Add to wanted those lines of existing that match pattern; sorted, so that every run writes the same."""
    if not pattern:
        return wanted
    expression = re.compile(pattern.encode())
    kept = {line for line in existing.splitlines() if expression.search(line)}
    return b"".join(line + b"\n" for line in sorted({*wanted.splitlines(), *kept}))


def mode(entry: dict[str, Any]) -> int | None:
    if entry.get("mode") is None:
        return None
    try:
        return int(str(entry["mode"]), 8)
    except ValueError:
        raise FileError(
            f"{entry['path']}: mode {entry['mode']!r} is not octal; write it as a string such as '0644'."
        ) from None


def identity(entry: dict[str, Any]) -> tuple[int, int] | None:
    """Return the numbers of the owner and the group; None while either is unknown to the node."""
    try:
        return pwd.getpwnam(entry["owner"]).pw_uid, grp.getgrnam(entry["group"]).gr_gid
    except KeyError:
        return None


def settle(path: Path, entry: dict[str, Any], owner: tuple[int, int], bits: int, check: bool) -> bool:
    """Give path its owner and mode; say whether that is a change."""
    seen = path.stat()
    same = (seen.st_uid, seen.st_gid) == owner and stat.S_IMODE(seen.st_mode) == bits
    if not same and not check:
        os.chown(path, *owner)
        path.chmod(bits)
    return not same


def write(path: Path, text: bytes, owner: tuple[int, int], bits: int, validate: str | None, judge: Judge) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
            os.fchown(stream.fileno(), *owner)
            os.fchmod(stream.fileno(), bits)
        if validate:
            complaint = judge([word.replace("%s", name) for word in shlex.split(validate)])
            if complaint:
                raise FileError(f"{path}: {validate.split()[0]} refuses the new text: {complaint}")
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def ensure(entry: dict[str, Any], judge: Judge, check: bool) -> dict[str, str] | None:
    """Bring one entry about; return its diff if it changed."""
    # Through a link, the file behind it is meant: /etc/slurm may point into a shared directory.
    path = Path(entry["path"])
    if entry["state"] == "absent":
        if not path.is_symlink() and not path.exists():
            return None
        if not check:
            path.unlink()
        return {"before_header": str(path), "after_header": "absent", "before": "", "after": ""}
    path = path.resolve()
    wanted, owner = content(entry), identity(entry)
    if owner is None and not check:
        raise FileError(f"{path}: the node has no user {entry['owner']!r} or no group {entry['group']!r}.")
    number = mode(entry)
    bits = number if number is not None else (0o644 if wanted is not None else 0o755)
    existing = path.read_bytes() if wanted is not None and path.is_file() else b""
    there = path.exists()
    if wanted is None:
        if not there and not check:
            path.mkdir(parents=True, exist_ok=True)
    else:
        wanted = keep(wanted, existing, entry["keep_lines"])
    changed = not there or (wanted is not None and wanted != existing)
    if changed and wanted is not None and not check and owner:
        write(path, wanted, owner, bits, entry["validate"], judge)
    if owner is None or path.exists():
        changed = owner is None or settle(path, entry, owner, bits, check) or changed
    if not changed:
        return None
    before, after = (b"", b"") if entry["secret"] or wanted is None else (existing, wanted)
    return {
        "before_header": str(path),
        "after_header": str(path),
        "before": before.decode(errors="replace"),
        "after": after.decode(errors="replace"),
    }
