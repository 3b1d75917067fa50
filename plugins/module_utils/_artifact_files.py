# Private to awsome.training: its API may change without notice.
"""Fetching and unpacking a release on a node: a file or a tree appears whole and checked, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import lzma
import os
import posixpath
import shutil
import subprocess
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any, Callable
from urllib.error import HTTPError

from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp

MARK = ".awsome-artifact.json"
# What the readers of archives raise, beside OSErrors without a number.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)

Opener = Callable[[str], Any]  # a URL to an open answer, as urllib gives it
Runner = Callable[[list[str]], tuple[int, str]]  # a command to its exit status and its output


def run_command(command: list[str]) -> tuple[int, str]:
    """Run a command, in English, and return its exit status and all that it says."""
    done = subprocess.run(
        command,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return done.returncode, done.stdout


class Trouble(Exception):
    """What may be better at the next attempt."""


def download(wanted: artifact.Wanted, source: str, target: Path, opener: Opener) -> str:
    """Write source to target and return its checksum; anything that is not the wanted file raises."""
    digest, strong, length = hashlib.sha256(), hashlib.sha512() if wanted.sha512 else None, 0
    try:
        with opener(source) as answer, _Sink(wanted, target) as sink:
            promised = answer.headers.get("Content-Length")
            for block in iter(lambda: answer.read(1 << 20), b""):
                digest.update(block)
                if strong:
                    strong.update(block)
                length += len(block)
                sink.write(block)
    except HTTPError as error:
        if error.code in (401, 403, 404, 410):
            raise FileNotFoundError(f"HTTP {error.code}") from None
        raise Trouble(f"HTTP {error.code}") from None
    except (OSError, HTTPException) as error:
        raise Trouble(str(getattr(error, "reason", error))) from None
    if promised and int(promised) != length:
        raise Trouble(f"the connection broke after {length} of {promised} bytes")
    if wanted.sha256 and digest.hexdigest() != wanted.sha256:
        raise artifact.mismatch(wanted, source, digest.hexdigest())
    if strong and strong.hexdigest() != wanted.sha512:
        raise artifact.mismatch(wanted, source, strong.hexdigest())
    return digest.hexdigest()


class _Sink:
    """A file to write to, whose troubles are the disk's: no other source would mend them."""

    def __init__(self, wanted: artifact.Wanted, target: Path) -> None:
        self.wanted, self.target = wanted, target

    def __enter__(self) -> _Sink:
        with self._told():
            self.stream = self.target.open("wb")
        return self

    def write(self, block: bytes) -> None:
        with self._told():
            self.stream.write(block)

    def __exit__(self, *_: object) -> None:
        with self._told():
            self.stream.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise artifact.unwritable(self.wanted.label, self.target.parent, error) from None


def fetch(
    wanted: artifact.Wanted, target: Path, attempts: int, opener: Opener, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Fetch from the first source that has it, with pauses between attempts, and return its checksum."""
    troubles: dict[str, str] = {}
    sources = list(wanted.sources)
    for pause in artifact.pauses(attempts):
        sleep(pause)
        for source in list(sources):
            try:
                return download(wanted, source, target, opener)
            except FileNotFoundError as error:
                sources.remove(source)
                troubles[source] = str(error)
            except Trouble as error:
                troubles[source] = str(error)
        if not sources:
            break
    raise artifact.unreachable(wanted, troubles)


def verify(plan: artifact.Plan, file: Path, attempts: int, opener: Opener) -> None:
    """Check a file's detached signature against the one key that the record names."""
    if plan.signature is None or plan.key is None:
        return
    program = next((found for found in map(shutil.which, ("gpgv", "gpgv2", "sqv")) if found), None)
    if program is None:
        raise artifact.ArtifactError(
            f"{plan.label}: its signature cannot be checked, for this node has neither gpgv nor sqv; install the "
            f"package gpgv (Debian, Ubuntu) or gnupg2 (Red Hat, Amazon)."
        )
    with tempfile.TemporaryDirectory(prefix=".signature.", dir=file.parent) as name:
        signature, key = Path(name) / "signature", Path(name) / "key"
        fetch(plan.signature, signature, attempts, opener)
        fetch(plan.key, key, attempts, opener)
        try:
            key.write_bytes(openpgp.pick(key.read_bytes(), plan.fingerprint))
        except openpgp.KeyFileError as error:
            raise artifact.ArtifactError(
                f"{plan.label}: {plan.key.sources[-1]} is not the key that signs it: {error}; nothing was installed."
            ) from None
        # sqv, which Debian 13 has in place of gpgv, prints the key's fingerprint alone; gpgv ends a line with it.
        status = [] if program.endswith("sqv") else ["--homedir", name, "--status-fd", "1"]
        code, told = run_command([program, *status, "--keyring", str(key), str(signature), str(file)])
    valid = [line.split() for line in told.splitlines() if not status or line.startswith("[GNUPG:] VALIDSIG ")]
    if code != 0 or not any(words[-1:] == [plan.fingerprint] for words in valid):
        raise artifact.unsigned(plan, told)


def unpack(archive: Path, name: str, into: Path) -> None:
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive) as content:
            for member in content.infolist():
                laid, mode = Path(content.extract(member, into)), member.external_attr >> 16
                if mode & 0o111 and laid.is_file():  # which zipfile does not keep
                    laid.chmod(0o755)
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
        return _marked(plan, destination / MARK) != ""
    file = destination / plan.file_name
    # A plain file speaks for itself, unless only a mark knows that its signature or its sha512 was checked.
    wanted = _marked(plan, _mark_of(file)) if plan.fingerprint or plan.sha512 else plan.sha256
    return bool(wanted) and file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == wanted


def _mark_of(file: Path) -> Path:
    return file.with_name(f".{file.name}{MARK}")


def _marked(plan: artifact.Plan, mark: Path) -> str:
    """The checksum of what was laid, if the mark tells of this release, checked as the plan wants; else empty."""
    try:
        told = json.loads(mark.read_text())
    except (OSError, ValueError):
        return ""
    key = next((key for key in ("sha256", "sha512") if getattr(plan, key)), "url")
    same = told.get(key) == getattr(plan, key)
    signed = not plan.fingerprint or told.get("signed_by") == plan.fingerprint
    return str(told["sha256"]) if same and signed and told.get("version") == plan.version else ""


def install(plan: artifact.Plan, destination: Path, unpacks: bool, attempts: int, opener: Opener) -> None:
    if unpacks and destination.is_dir() and any(destination.iterdir()) and not (destination / MARK).is_file():
        raise artifact.ArtifactError(
            f"{plan.label}: {destination} holds files that no earlier fetch laid there; move them, or choose another."
        )
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as name:
            _install(plan, destination, unpacks, attempts, opener, Path(name))
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise artifact.unwritable(plan.label, destination.parent, error) from error
        raise artifact.ArtifactError(f"{plan.label}: its archive is broken: {error}; nothing was installed.") from error


def _install(plan: artifact.Plan, destination: Path, unpacks: bool, attempts: int, opener: Opener, work: Path) -> None:
    file, tree, old = work / plan.file_name, work / "tree", work / "old"
    checksum = fetch(plan, file, attempts, opener)
    verify(plan, file, attempts, opener)
    told = {"name": plan.name, "version": plan.version, "sha256": checksum, "url": plan.url}
    if plan.sha512:
        told["sha512"] = plan.sha512
    mark = json.dumps({**told, "signed_by": plan.fingerprint}) + "\n"
    if not unpacks:
        destination.mkdir(exist_ok=True)
        file.chmod(0o644)
        file.replace(destination / plan.file_name)
        if plan.fingerprint or plan.sha512:
            (work / MARK).write_text(mark)
            (work / MARK).replace(_mark_of(destination / plan.file_name))
        return
    tree.mkdir()
    unpack(file, plan.file_name, tree)
    tree.chmod(0o755)
    (tree / MARK).write_text(mark)
    with contextlib.suppress(FileNotFoundError):
        destination.rename(old)
    tree.rename(destination)
