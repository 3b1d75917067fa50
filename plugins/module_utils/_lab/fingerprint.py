# This file is private to the awsome.training collection: do not import it from elsewhere.
"""Say in one word what an image of a profile is made of. Runs on the controller only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

CATALOG = ("components.yml", "platforms.yml", "profiles.yml")
DIRECTORIES = ("defaults", "files", "handlers", "meta", "tasks", "templates", "vars")
# The doors that run at boot do not shape an image.
OTHER_DOORS = ("configure", "verify")


def install_files(root: Path, roles: list[str]) -> Iterator[Path]:
    """The files that the install door of these roles may read, in a fixed order."""
    yield from (root / "catalog" / name for name in CATALOG)
    for role in ["artifact", *roles, "image"]:
        for directory in DIRECTORIES:
            for path in sorted((root / "roles" / role / directory).rglob("*")):
                of_other_door = directory == "tasks" and path.name.startswith(OTHER_DOORS)
                if path.is_file() and not of_other_door:
                    yield path


def install_fingerprint(root: Path, roles: list[str]) -> str:
    """A digest of those files' names and contents."""
    digest = hashlib.sha256()
    for path in install_files(root, roles):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes() if path.exists() else b"")
        digest.update(b"\0")
    return digest.hexdigest()
