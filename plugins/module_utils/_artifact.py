# Private to awsome.training: its API may change without notice.
"""A release of the catalogue: where it is fetched from and what it must be. Pure; the module artifact_fetch does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip")


class ArtifactError(ValueError):
    """A release that may not be installed; the sentence names the record, the place, what was expected and what is."""


@dataclass(frozen=True)
class Plan:
    name: str
    version: str
    file_name: str
    sources: tuple[str, ...]  # the mirror first
    sha256: str

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def is_archive(self) -> bool:
        return self.file_name.endswith(ARCHIVES)


def plan(record: Mapping[str, Any], arch: str, mirror: str = "") -> Plan:
    """Judge a record; nothing that cannot be checked is planned."""
    missing = [key for key in ("name", "version") if not record.get(key)]
    if missing:
        raise ArtifactError(f"the record {dict(record)!r} has no {' and no '.join(missing)}.")
    name, version = str(record["name"]), str(record["version"])
    url = _for_arch(name, "url", record.get("url") or record.get("urls"), arch)
    if not re.match(r"(https?|file)://[^/]*/.", url):
        raise ArtifactError(f"{name} {version}: the url {url!r} is no http, https or file address of a file.")
    if version == "latest" or "latest" in re.split(r"[/._-]", url):
        raise ArtifactError(f"{name} {version}: {url} says 'latest', which is no version; name the release.")
    checksum = _for_arch(name, "sha256", record.get("sha256"), arch).lower()
    if checksum == "unverified":
        raise ArtifactError(
            f"{name} {version}: the sha256 of {url} is unverified, so it is not installed; find it at the vendor's and "
            f"write it into the record."
        )
    if not re.fullmatch(r"[0-9a-f]{64}", checksum):
        raise ArtifactError(f"{name} {version}: sha256 {checksum!r} is no checksum of 64 hexadecimal digits.")
    file_name = url.partition("?")[0].rpartition("/")[2]
    mirrored = [f"{mirror.rstrip('/')}/{checksum}/{file_name}"] if mirror else []
    return Plan(name, version, file_name, (*mirrored, url), checksum)


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


def mismatch(wanted: Plan, source: str, got: str) -> ArtifactError:
    return ArtifactError(
        f"{wanted.label}: {source} has sha256 {got}, expected {wanted.sha256}; nothing was installed. Someone changed "
        f"the file, or the record is wrong."
    )


def unreachable(wanted: Plan, troubles: Mapping[str, str]) -> ArtifactError:
    told = "; ".join(f"{source}: {trouble}" for source, trouble in troubles.items())
    return ArtifactError(
        f"{wanted.label} could not be fetched ({told}); check the network, or set artifact_mirror_url."
    )


def pauses(attempts: int) -> list[float]:
    """Return the pauses before each attempt: none, then 1 s, 2 s, 4 s, and at most 30 s."""
    return [0.0, *(min(2.0**turn, 30.0) for turn in range(attempts - 1))]
