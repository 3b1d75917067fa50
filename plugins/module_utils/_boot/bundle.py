# This file is private to the awsome.training collection: do not import it from elsewhere.
"""What a bundle holds, and its one archive: the same input gives the same bytes.

Runs on the controller only; knows nothing of Ansible.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ARCHIVE = "bundle.tar.gz"
HOME = "collections/ansible_collections"
# Of this collection, what a walk reads; of its roles, those that a walk can reach.
PARTS = ("ansible.cfg", "galaxy.yml", "LICENSE", "catalog", "meta", "playbooks", "plugins")
SHARED = ("artifact",)
HOOKS = {
    "hyperpod": ("hyperpod/on_create.sh", "hyperpod/on_init_complete.sh"),
    "parallelcluster": ("parallelcluster/on_node_start.sh", "parallelcluster/on_node_configured.sh"),
    "eks": ("eks/user_data.sh",),
    "batch": ("batch/user_data.sh",),
}
_COLLECTION = re.compile(r"^\s+(?:- )?([a-z_]+\.[a-z_]+)\.[a-z_]+:", re.MULTILINE)
_OURS = ("ansible.builtin", "ansible.legacy", "awsome.training")

Members = dict[str, bytes]


class BundleError(ValueError):
    """The bundle cannot be made. Its message is one sentence for the user."""


def tree(root: Path, within: str, parts: Iterable[str] = (".",)) -> Iterator[tuple[str, bytes]]:
    """The files of some parts of a directory, but for what Python and editors leave behind."""
    for part in parts:
        start = root / part
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
                yield f"{within}/{path.relative_to(root)}", path.read_bytes()


def needed_collections(collection: Path, roles: Iterable[str]) -> list[str]:
    """The other collections whose modules the tasks of these roles name."""
    found: set[str] = set()
    for role in roles:
        for path in sorted((collection / "roles" / role).glob("**/tasks/*.yml")):
            found |= set(_COLLECTION.findall(path.read_text(encoding="utf-8")))
    return sorted(found - set(_OURS))


def members(
    collection: Path, roles: Iterable[str], others: Mapping[str, Path], wheels: Mapping[str, Path], mirror: Path | None
) -> Members:
    """Every file of the archive, by its name in it."""
    home = f"{HOME}/awsome/training"
    wanted = [f"roles/{role}" for role in (*roles, *SHARED)]
    found = dict(tree(collection, home, (*PARTS, *wanted)))
    for name, path in others.items():
        parts = ("meta", "plugins", "MANIFEST.json", "galaxy.yml")
        found.update(tree(path, f"{HOME}/{name.replace('.', '/')}", [part for part in parts if (path / part).exists()]))
    for python, path in wheels.items():
        files = sorted(path.glob("*.whl"))
        if not files:
            raise BundleError(
                f"boot_bundle: {path} holds no wheels for Python {python}; fetch them with role node_boot."
            )
        # Most wheels are the same for every Python, and are there once; a node takes those of its own tags.
        found.update({f"wheels/{one.name}": one.read_bytes() for one in files})
    found["wheels/pythons"] = "".join(f"{python}\n" for python in sorted(wheels)).encode()
    if mirror is not None:
        if not mirror.is_dir():
            raise BundleError(
                f"boot_bundle: mirror is {mirror}, expected a directory; make it with playbooks/mirror.yml."
            )
        found.update(tree(mirror, "mirror"))
    return found


def download(python: str, architecture: str, target: Path, lock: Path) -> list[str]:
    """pip's arguments: wheels only, for each name that their C library goes by, each with its checksum."""
    platforms = [f"{libc}_{architecture}" for libc in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
    return [
        *("download", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", python),
        *(word for platform in platforms for word in ("--platform", platform)),
        *("--dest", str(target), "--requirement", str(lock)),
    ]


def archive(files: Members) -> bytes:
    """A tar of regular files in the order of their names, of no time and no owner."""
    raw = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as stream,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o755 if name.endswith(".sh") else 0o644
            stream.addfile(member, io.BytesIO(files[name]))
    return raw.getvalue()


def directory(node_files: Path, provider: str, data: Mapping[str, Any], packed: bytes) -> Members:
    """The bundle's files beside each other: hooks, the boot package, the user's data, the archive and its checksum."""
    if provider not in HOOKS:
        raise BundleError(f"boot_bundle: provider is {provider!r}, expected one of {', '.join(HOOKS)}.")
    found = {Path(name).name: (node_files / name).read_bytes() for name in HOOKS[provider]}
    found.update(tree(node_files / "boot", "boot"))
    for name, value in data.items():
        if value is not None:
            found[name] = (value if isinstance(value, str) else json.dumps(value, indent=2) + "\n").encode()
    found[ARCHIVE] = packed
    found[f"{ARCHIVE}.sha256"] = f"{hashlib.sha256(packed).hexdigest()}  {ARCHIVE}\n".encode()
    return found


def lay(path: Path, files: Members, check_mode: bool = False) -> list[str]:
    """Write what differs, remove what is no more; the archive comes before the checksum that vouches for it."""
    present = {str(one.relative_to(path)) for one in path.rglob("*") if one.is_file()} if path.is_dir() else set()
    gone = sorted(name for name in present - set(files) if "__pycache__" not in name)
    changed = sorted(name for name in files if name not in present or (path / name).read_bytes() != files[name])
    if not check_mode:
        for name in changed:
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            new = target.with_name(f".{target.name}.new")
            new.write_bytes(files[name])
            new.chmod(0o755 if name.endswith(".sh") else 0o644)
            new.replace(target)
        for name in gone:
            (path / name).unlink()
    return [*changed, *gone]
