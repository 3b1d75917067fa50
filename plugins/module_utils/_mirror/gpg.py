# Private to awsome.training: its API may change without notice.
"""Whether one key signed a file, by gpgv: it knows no other key, and no trust of this machine's user."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

_REASONS = {
    "BADSIG": "the signature does not fit: someone changed the file, or it is another release's",
    "ERRSIG": "another key signed it",
    "REVKEYSIG": "the key was revoked",
    "EXPKEYSIG": "the key has expired",
    "EXPSIG": "the signature has expired",
    "NODATA": "it holds no signature",
}


@dataclass(frozen=True)
class Key:
    url: str
    content: bytes
    fingerprint: str


def detached(content: bytes | Path, signature: bytes, key: Key, url: str, label: str) -> None:
    """Refuse a file that this key did not sign."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "signature").write_bytes(signature)
        file = content if isinstance(content, Path) else work / "content"
        if isinstance(content, bytes):
            file.write_bytes(content)
        _gpgv(work, key, [str(work / "signature"), str(file)], url, label)


def clear(content: bytes, key: Key, url: str, label: str) -> bytes:
    """The signed part of a text that carries its signature, and nothing of what stands around it."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "signed").write_bytes(content)
        _gpgv(work, key, ["--output", str(work / "content"), str(work / "signed")], url, label)
        return (work / "content").read_bytes()


def _gpgv(work: Path, key: Key, arguments: list[str], url: str, label: str) -> None:
    gpgv = shutil.which("gpgv") or shutil.which("gpgv2")
    if gpgv is None:
        raise MirrorError(
            f"{label}: the signature of {url} cannot be checked, for this machine has no program gpgv; install "
            f"the package gpgv (Debian, Ubuntu) or gnupg2 (Red Hat, Amazon)."
        )
    try:
        (work / "key").write_bytes(openpgp.pick(key.content, key.fingerprint))
    except openpgp.KeyFileError as error:
        raise MirrorError(
            f"{label}: {key.url} is not the key that signs it: {error}; nothing was taken from there. If the vendor "
            f"changed its key and says so, write the new fingerprint into the catalogue."
        ) from None
    command = [gpgv, "--homedir", str(work), "--status-fd", "1", "--keyring", str(work / "key"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=600, check=False)
    words = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("[GNUPG:] ")]
    valid = any(word[0] == "VALIDSIG" and word[-1] == key.fingerprint for word in words if word)
    bad = next((word[0] for word in words if word and word[0] in _REASONS), "")
    if done.returncode == 0 and valid and not bad:
        return
    why = _REASONS.get(bad) or f"gpgv says {' '.join(done.stderr.split())!r}"
    raise MirrorError(
        f"{label}: {url} is not signed by the key {key.fingerprint} of {key.url}; {why}. Nothing was taken from there: "
        f"try again, and ask the vendor if it stays so."
    )
