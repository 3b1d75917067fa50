# Private to awsome.training: its API may change without notice.
"""A release of the catalogue: where it is fetched from and what it must be. Pure; the module artifact_fetch does it."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip")


class ArtifactError(ValueError):
    """A release that may not be installed; the sentence names the record, the place, what was expected and what is."""


@dataclass(frozen=True)
class Wanted:
    """One file to fetch."""

    label: str
    sources: tuple[str, ...]  # the mirror first
    sha256: str = ""  # empty: its sha512, a signature or a fingerprint judges it
    sha512: str = ""
    mirror_option: str = "artifact_mirror_url"


@dataclass(frozen=True)
class Plan(Wanted):
    name: str = ""
    version: str = ""
    url: str = ""
    fingerprint: str = ""  # of the key that must have signed it; empty: its checksum is all there is
    signature: Wanted | None = None
    key: Wanted | None = None

    @property
    def file_name(self) -> str:
        return self.url.partition("?")[0].rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        return self.file_name.endswith(ARCHIVES)


def plan(record: Mapping[str, Any], arch: str, mirror: str = "") -> Plan:
    """Judge a record; nothing that cannot be checked is planned."""
    missing = [key for key in ("name", "version") if not record.get(key)]
    if missing:
        raise ArtifactError(f"the record {dict(record)!r} has no {' and no '.join(missing)}.")
    name, version = str(record["name"]), str(record["version"])
    if record.get("repository") and not record.get("url"):
        raise ArtifactError(
            f"{name} {version}: the record names the repository {record['repository']} and no file; "
            f"install its packages."
        )
    url = _address(f"{name} {version}", "url", _for_arch(name, "url", record.get("url") or record.get("urls"), arch))
    if version == "latest" or "latest" in re.split(r"[/._-]", url):
        raise ArtifactError(f"{name} {version}: {url} says 'latest', which is no version; name the release.")
    fingerprint, signature, key = _signed_by(name, version, record, arch, mirror)
    sha256, sha512 = _checksums(name, version, url, record, arch, bool(fingerprint))
    file_name = url.partition("?")[0].rpartition("/")[2]
    place = f"{sha256 or sha512}/{file_name}" if sha256 or sha512 else signed_place(url)
    return Plan(
        f"{name} {version}", _sources(url, mirror, place), sha256, sha512, name=name, version=version, url=url,
        fingerprint=fingerprint, signature=signature, key=key,
    )  # fmt: skip


def _checksums(
    name: str, version: str, url: str, record: Mapping[str, Any], arch: str, signed: bool
) -> tuple[str, str]:
    """The sha256 that the file must have, or else its sha512, which some vendors print in its place."""
    proved = signed or bool(record.get("sha512"))
    sha256 = _for_arch(name, "sha256", record.get("sha256") or ("unverified" if proved else None), arch).lower()
    if sha256 != "unverified":
        return _hexadecimal(f"{name} {version}", "sha256", sha256, 64), ""
    if not proved:
        raise ArtifactError(
            f"{name} {version}: the sha256 of {url} is unverified and no signature is known, so it is not "
            f"installed; find either at the vendor's and write it into the record."
        )
    if not record.get("sha512"):
        return "", ""
    sha512 = _for_arch(name, "sha512", record["sha512"], arch).lower()
    return "", _hexadecimal(f"{name} {version}", "sha512", sha512, 128)


def _hexadecimal(label: str, key: str, value: str, digits: int) -> str:
    if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
        raise ArtifactError(f"{label}: {key} {value!r} is no checksum of {digits} hexadecimal digits.")
    return value


def _signed_by(
    name: str, version: str, record: Mapping[str, Any], arch: str, mirror: str
) -> tuple[str, Wanted | None, Wanted | None]:
    """The fingerprint of the key that signs the release, and where its signature and the key are; empty if unsigned."""
    given, signing_key = record.get("signature_url"), record.get("signing_key")
    if not given and not signing_key:
        return "", None, None
    if not given or not isinstance(signing_key, Mapping):
        raise ArtifactError(
            f"{name} {version}: a signed record has a signature_url and a signing_key with url and fingerprint, and "
            f"this one has only the {'signature_url' if given else 'signing_key'}; write both."
        )
    fingerprint = str(signing_key.get("fingerprint") or "").replace(" ", "").upper()
    if not re.fullmatch(r"[0-9A-F]{40}", fingerprint):
        raise ArtifactError(
            f"{name} {version}: the signing_key's fingerprint {signing_key.get('fingerprint')!r} is not 40 "
            f"hexadecimal digits."
        )
    found = []
    for word, value in (("signature_url", given), ("signing_key.url", signing_key.get("url"))):
        url = _address(f"{name} {version}", word, _for_arch(name, word, value, arch))
        found.append(
            Wanted(f"the {word.partition('_url')[0]} of {name} {version}", _sources(url, mirror, signed_place(url)))
        )
    return fingerprint, found[0], found[1]


def _address(label: str, key: str, url: str) -> str:
    if not re.match(r"(https?|file)://[^/]*/.", url) or url.endswith("/"):
        raise ArtifactError(f"{label}: the {key} {url!r} is no http, https or file address of a file.")
    return url


def signed_place(url: str) -> str:
    """Where a mirror has a file that has no checksum, as well as signatures and keys: relative to the mirror."""
    parts = urlsplit(url)
    return f"signed/{parts.netloc}/{parts.path.lstrip('/')}"


def _sources(url: str, mirror: str, place: str) -> tuple[str, ...]:
    return (f"{mirror.rstrip('/')}/{place}", url) if mirror else (url,)


def _for_arch(name: str, key: str, value: Any, arch: str) -> str:
    if isinstance(value, Mapping):
        chosen = value.get(arch) or value.get("noarch")
        if not chosen:
            known = ", ".join(sorted(value)) or "none"
            raise ArtifactError(f"{name}: the record has no {key} for architecture {arch!r}, only for {known}.")
        return str(chosen)
    if not value:
        raise ArtifactError(f"{name}: the record has no {key}, so it cannot be installed.")
    return str(value)


def mismatch(wanted: Wanted, source: str, got: str) -> ArtifactError:
    return ArtifactError(
        f"{wanted.label}: {source} has {'sha256' if wanted.sha256 else 'sha512'} {got}, expected "
        f"{wanted.sha256 or wanted.sha512}; nothing was installed. Someone changed the file, or the record is wrong."
    )


def unreachable(wanted: Wanted, troubles: Mapping[str, str]) -> ArtifactError:
    told = "; ".join(f"{source}: {trouble}" for source, trouble in troubles.items())
    return ArtifactError(
        f"{wanted.label} could not be fetched ({told}); check the network, or set {wanted.mirror_option}."
    )


def unwritable(label: str, directory: object, trouble: OSError) -> ArtifactError:
    """What a disk answers is no trouble of the network: trying again does not help."""
    hint = "free some space" if trouble.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that"
    return ArtifactError(
        f"{label} cannot be written below {directory}: {trouble.strerror or trouble}; nothing was installed, {hint} "
        f"and run again."
    )


def unsigned(wanted: Plan, told: str) -> ArtifactError:
    """What gpgv or sqv answered, when that is not what it must be."""
    reasons = {
        r"\] BADSIG |manipulated": "the signature does not fit the file, which someone changed, or it is another's",
        r"\] ERRSIG .* 9( |$)|Missing key": "it was signed with another key",
        r"\] REVKEYSIG ": "the key was revoked",
        r"\] EXPSIG ": "the signature has expired",
        r"\] NODATA |no valid OpenPGP": "it is no OpenPGP signature",
    }
    why = next((reason for words, reason in reasons.items() if re.search(words, told, re.MULTILINE)), "")
    why = why or f"the program that checks it says {' '.join(told.split())!r}"
    place = wanted.signature.sources[-1] if wanted.signature else "a signature"
    return ArtifactError(
        f"{wanted.label}: {place} does not prove that the key {wanted.fingerprint} signed {wanted.url}; {why}. Nothing "
        f"was installed."
    )


def pauses(attempts: int) -> list[float]:
    """Return the pauses before each attempt: none, then 1 s, 2 s, 4 s, and at most 30 s."""
    return [0.0, *(min(2.0**turn, 30.0) for turn in range(attempts - 1))]
