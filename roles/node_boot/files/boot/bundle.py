"""The bundle: checked by its checksum, unpacked once, found again by it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from boot.faults import BootError
from boot.status import full

ARCHIVE = "bundle.tar.gz"


@dataclass(frozen=True)
class Tree:
    """An unpacked bundle."""

    path: Path
    digest: str
    site: Path

    @property
    def collection(self) -> Path:
        return self.path / "collections/ansible_collections/awsome/training"

    @property
    def mirror(self) -> Path:
        return self.path / "mirror"


def digest(archive: Path) -> str:
    """The archive's sha256, which must be the one in the file beside it."""
    beside = archive.with_name(archive.name + ".sha256")
    try:
        expected = beside.read_text(encoding="utf-8").split()[0]
        found = hashlib.sha256()
        with archive.open("rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                found.update(block)
    except (OSError, IndexError) as error:
        path = getattr(error, "filename", None) or beside
        raise BootError(f"{path}: cannot be read; upload the bundle whole, and run the hook again.") from error
    if found.hexdigest() != expected:
        raise BootError(
            f"{archive}: its sha256 is {found.hexdigest()}, expected {expected} as in {beside.name}; "
            "upload both again, and run the hook again."
        )
    return expected


def unpack(archive: Path, home: Path) -> Tree:
    """Unpack what is not there yet; a directory of that name is whole."""
    found = digest(archive)
    path = home / found[:16]
    if not path.is_dir():
        _appear(path, lambda new: _extract(archive, new))
    python, wheels = f"{sys.version_info[0]}.{sys.version_info[1]}", path / "wheels"
    mine = [one for one in sorted(wheels.glob("*.whl")) if fits(one.name, sys.version_info[1], os.uname().machine)]
    # Ansible outlives bundles: it is named after its wheels, so that an image may bring it.
    key = hashlib.sha256("\n".join([python, *(one.name for one in mine)]).encode()).hexdigest()[:16]
    tree = Tree(path, found, home / f"site-{key}")
    if not tree.site.is_dir():
        known = (wheels / "pythons").read_text(encoding="utf-8").split()
        if python not in known:
            raise BootError(
                f"{archive}: holds no Ansible for Python {python}, only for {', '.join(known)}; "
                f"add {python} to node_boot_pythons and build the bundle again."
            )
        _appear(tree.site, lambda new: _unzip(mine, new))
    for other in home.iterdir():
        if other.is_dir() and other not in (tree.path, tree.site):
            shutil.rmtree(other, ignore_errors=True)
    return tree


def _appear(path: Path, fill: Callable[[Path], None]) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.mkdir(parents=True, exist_ok=True)
        fill(new)
        new.replace(path)
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        shutil.rmtree(new, ignore_errors=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise full(error, path) from error
        raise BootError(f"{path}: the bundle cannot be unpacked ({error}); upload it again.") from error


def _extract(archive: Path, target: Path) -> None:
    # Whole trees below a directory of root's: what is in them was checked by the digest above.
    with tarfile.open(archive) as stream:
        if hasattr(tarfile, "fully_trusted_filter"):  # since 3.12 it wants to be told
            stream.extraction_filter = tarfile.fully_trusted_filter
        for member in stream:
            if member.name.startswith("/") or ".." in member.name.split("/") or not (member.isfile() or member.isdir()):
                raise tarfile.TarError(f"{member.name} is no plain file below the bundle")
            stream.extract(member, target)


def _unzip(wheels: list[Path], target: Path) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as stream:
            stream.extractall(target)


def fits(name: str, minor: int, machine: str) -> bool:
    """Whether a wheel is for this Python and this machine, by the tags in its name."""
    python, abi, platform = name[: -len(".whl")].rsplit("-", 3)[1:]
    right = python in ("py3", "py2.py3", f"cp3{minor}") or (abi == "abi3" and int(python[3:]) <= minor)
    return right and (platform == "any" or platform.endswith(f"_{machine}"))
