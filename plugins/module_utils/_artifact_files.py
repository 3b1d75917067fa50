# Private to awsome.training: its API may change without notice.
"""Fetching and unpacking a release on a node: a file or a tree appears whole and checked, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import posixpath
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Callable
from urllib.error import HTTPError

from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact

MARK = ".awsome-artifact.json"

Opener = Callable[[str], Any]  # a URL to an open answer, as urllib gives it


class Trouble(Exception):
    """What may be better at the next attempt."""


def download(plan: artifact.Plan, source: str, target: Path, opener: Opener) -> None:
    """Write source to target; anything that is not the wanted file raises."""
    digest, length = hashlib.sha256(), 0
    try:
        with opener(source) as answer, target.open("wb") as stream:
            promised = answer.headers.get("Content-Length")
            for block in iter(lambda: answer.read(1 << 20), b""):
                digest.update(block)
                length += len(block)
                stream.write(block)
    except HTTPError as error:
        if error.code in (401, 403, 404, 410):
            raise FileNotFoundError(f"HTTP {error.code}") from None
        raise Trouble(f"HTTP {error.code}") from None
    except OSError as error:
        raise Trouble(str(getattr(error, "reason", error))) from None
    if promised and int(promised) != length:
        raise Trouble(f"the connection broke after {length} of {promised} bytes")
    if digest.hexdigest() != plan.sha256:
        raise artifact.mismatch(plan, source, digest.hexdigest())


def fetch(
    plan: artifact.Plan, target: Path, attempts: int, opener: Opener, sleep: Callable[[float], None] = time.sleep
) -> None:
    troubles: dict[str, str] = {}
    sources = list(plan.sources)
    for pause in artifact.pauses(attempts):
        sleep(pause)
        for source in list(sources):
            try:
                return download(plan, source, target, opener)
            except FileNotFoundError as error:
                sources.remove(source)
                troubles[source] = str(error)
            except Trouble as error:
                troubles[source] = str(error)
        if not sources:
            break
    raise artifact.unreachable(plan, troubles)


def unpack(archive: Path, name: str, into: Path) -> None:
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive) as content:
            content.extractall(into)
        return
    with tarfile.open(archive) as content:
        if hasattr(tarfile, "data_filter"):
            content.extractall(into, filter="data")
        else:
            content.extractall(into, members=[tamed(member, name) for member in content])


def tamed(member: tarfile.TarInfo, archive: str) -> tarfile.TarInfo:
    """Do what tarfile.data_filter does, on a Python that has none: stay below the directory, and belong to root."""
    paths = [member.name]
    if member.issym():
        paths.append(posixpath.join(posixpath.dirname(member.name), member.linkname))
    elif member.islnk():
        paths.append(member.linkname)
    outside = [path for path in paths if path.startswith("/") or posixpath.normpath(path).split("/")[0] == ".."]
    if outside or member.isdev():
        raise artifact.ArtifactError(
            f"{archive} holds {member.name!r}, which would leave its directory or is a device."
        )
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode &= 0o755
    return member


def entered(directory: Path) -> Path:
    members = [member for member in directory.iterdir() if member.name != MARK]
    return members[0] if len(members) == 1 and members[0].is_dir() else directory


def held(plan: artifact.Plan, destination: Path, unpacks: bool) -> bool:
    """Say whether the destination holds the release already."""
    if unpacks:
        mark = destination / MARK
        return mark.is_file() and bool(json.loads(mark.read_text()).get("sha256") == plan.sha256)
    file = destination / plan.file_name
    return file.is_file() and bool(hashlib.sha256(file.read_bytes()).hexdigest() == plan.sha256)


def install(plan: artifact.Plan, destination: Path, unpacks: bool, attempts: int, opener: Opener) -> None:
    if unpacks and destination.is_dir() and any(destination.iterdir()) and not (destination / MARK).is_file():
        raise artifact.ArtifactError(
            f"{plan.label}: {destination} holds files that no earlier fetch laid there; move them, or choose another."
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as name:
        work = Path(name)
        file, tree, old = work / plan.file_name, work / "tree", work / "old"
        fetch(plan, file, attempts, opener)
        if not unpacks:
            destination.mkdir(exist_ok=True)
            file.chmod(0o644)
            file.replace(destination / plan.file_name)
            return
        tree.mkdir()
        unpack(file, plan.file_name, tree)
        tree.chmod(0o755)
        (tree / MARK).write_text(json.dumps({"name": plan.name, "version": plan.version, "sha256": plan.sha256}) + "\n")
        with contextlib.suppress(FileNotFoundError):
            destination.rename(old)
        tree.rename(destination)
