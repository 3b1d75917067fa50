# Private to awsome.training: its API may change without notice.
"""Laying a repository's key and source file on a node: both are there, checked and readable, or neither."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils import _artifact_files as files
from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp
from ansible_collections.awsome.training.plugins.module_utils._repository import Repository, RepositoryError

Before = dict[Path, Optional[bytes]]


def fetch_key(repository: Repository, attempts: int, opener: files.Opener) -> bytes:
    """The wanted key out of the file at its URL, in the form that the package manager reads."""
    wanted = artifact.Wanted(
        f"the key of {repository.label}", (repository.key_url,), mirror_option="repository_mirror_url"
    )
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "key"
        files.fetch(wanted, place, attempts, opener)
        try:
            key = openpgp.pick(place.read_bytes(), repository.fingerprint)
        except openpgp.KeyFileError as error:
            raise RepositoryError(
                f"{repository.label}: {repository.key_url} is not the key that signs it: {error}; nothing was changed. "
                f"The vendor changed the key, or someone changed the file: compare it with what the vendor publishes."
            ) from None
    return key if repository.type == "apt" else openpgp.armour(key)


@contextlib.contextmanager
def laid(repository: Repository, key: bytes, root: Path = Path("/")) -> Iterator[None]:
    """Lay both files; if what follows fails, the node has again what it had."""
    wanted = {
        _below(root, repository.key_path): key,
        _below(root, repository.source_path): repository.source.encode(),
    }
    before: Before = {path: path.read_bytes() if path.is_file() else None for path in wanted}
    try:
        for path, content in wanted.items():
            _write(path, content, repository)
        yield
    except BaseException:
        for path, old in before.items():
            if old is None:
                path.unlink(missing_ok=True)
            else:
                _write(path, old, repository)
        raise


def _write(path: Path, content: bytes, repository: Repository) -> None:
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content)
        new.chmod(0o644)  # apt reads it as a user of its own
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise artifact.unwritable(repository.label, path.parent, error) from None


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def refresh_command(repository: Repository) -> list[str]:
    if repository.type == "dnf":
        only = ["--disablerepo=*", f"--enablerepo={repository.name}"]
        return ["dnf", "-q", "-y", "makecache", "--refresh", *only]
    only = ["-o", f"Dir::Etc::SourceList={repository.source_path}", "-o", "Dir::Etc::SourceParts=-"]
    # Without the last, apt would throw away the indexes of all others.
    return ["apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any", *only, "-o", "APT::Get::List-Cleanup=0"]


def is_final(message: str) -> bool:
    """Say whether waiting cannot help: a signature, or a disk."""
    return any(words in message for words in ("not signed", "NO_PUBKEY", "BADSIG", "invalid: ", "No space left"))
