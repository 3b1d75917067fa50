# Private to awsome.training: its API may change without notice.
"""A vendor's package repository: settled for one system, and the files that tell apt or dnf of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

# What the package manager of a family is, and what it calls the kernel's architectures.
MANAGERS = {"debian": "apt", "redhat": "dnf"}
APT_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# A platform's row may say these differently from the record: some vendors sign for dnf with another key than for apt.
OVERRIDABLE = ("key_url", "fingerprint", "repo_gpgcheck")


class RepositoryError(ValueError):
    """A repository that no node could use; the sentence names the record, the key and what was expected."""


def settle(name: str, record: Mapping[str, Any], platform: Mapping[str, Any], arch: str, mirror: str = "") -> Any:
    """The record as it holds on one platform (a row with its name) and architecture."""
    rows = record["platforms"]
    if platform["name"] not in rows:
        raise RepositoryError(
            f"catalog/repositories.yml: {name} has no row for {platform['name']}, only for {', '.join(rows)}; this "
            f"vendor does not serve the system, or the record lacks it."
        )
    row = rows[platform["name"]]
    served = row.get("architectures", list(APT_ARCHITECTURES))
    if arch not in served:
        raise RepositoryError(
            f"catalog/repositories.yml: {name} serves {', '.join(served)} on {platform['name']}, and this host is "
            f"{arch}."
        )
    kind = MANAGERS[platform["family"]]
    settled = {key: row.get(key, record.get(key)) for key in OVERRIDABLE}
    word = row.get("arch_names", {}).get(arch, arch)
    url, key_url = (mirrored(text.format(arch=word), mirror) for text in (row["url"], settled["key_url"]))
    return {
        "name": name,
        "type": kind,
        "description": record["description"],
        "url": url,
        "suite": row.get("suite", ""),
        "components": list(row.get("components", [])),
        "arch": APT_ARCHITECTURES[arch] if kind == "apt" else arch,
        "key_url": key_url,
        "fingerprint": settled["fingerprint"],
        "repo_gpgcheck": bool(settled["repo_gpgcheck"]),
    }


def mirrored(url: str, mirror: str) -> str:
    """Where a mirror of repositories has what the vendor has at url."""
    if not mirror:
        return url
    parts = urlsplit(url)
    return f"{mirror.rstrip('/')}/{parts.netloc}/{parts.path.lstrip('/')}"


@dataclass(frozen=True)
class Repository:
    """What a node is told of a repository, judged."""

    name: str
    type: str
    url: str
    key_url: str
    fingerprint: str
    suite: str = ""
    components: tuple[str, ...] = ()
    arch: str = ""
    description: str = ""
    repo_gpgcheck: bool = False

    @property
    def label(self) -> str:
        return f"repository {self.name}"

    @property
    def source_path(self) -> str:
        if self.type == "apt":
            return f"/etc/apt/sources.list.d/{self.name}.sources"
        return f"/etc/yum.repos.d/{self.name}.repo"

    @property
    def key_path(self) -> str:
        # apt reads binary keys everywhere, rpm reads armoured ones only.
        if self.type == "apt":
            return f"/etc/apt/keyrings/{self.name}.gpg"
        return f"/etc/pki/rpm-gpg/RPM-GPG-KEY-{self.name}"

    @property
    def source(self) -> str:
        """The text of the source file."""
        lines = self._deb822() if self.type == "apt" else self._repo()
        return "\n".join(["# Written by awsome.training: changes are lost at its next run.", *lines, ""])

    def _deb822(self) -> list[str]:
        # A suite that ends with a slash is a flat repository, which has no components.
        lines = [f"X-Repolib-Name: {self.description or self.name}", "Types: deb", f"URIs: {self.url}"]
        lines.append(f"Suites: {self.suite}")
        if not self.suite.endswith("/"):
            lines.append(f"Components: {' '.join(self.components)}")
        return [*lines, f"Architectures: {self.arch}", f"Signed-By: {self.key_path}"]

    def _repo(self) -> list[str]:
        lines = [f"[{self.name}]", f"name={self.description or self.name}", f"baseurl={self.url}", "enabled=1"]
        lines += ["gpgcheck=1", f"repo_gpgcheck={int(self.repo_gpgcheck)}", f"gpgkey=file://{self.key_path}"]
        return lines


def judge(record: Mapping[str, Any], manager: str | None = None) -> Repository:
    """Refuse a settled record that a node could not use, or not check."""
    name = str(record.get("name") or "")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise RepositoryError(f"repository {name!r}: the name is no word of letters, digits, '.', '_' and '-'.")
    kind = record.get("type")
    if kind not in MANAGERS.values():
        raise RepositoryError(f"repository {name}: type is {kind!r}, expected apt or dnf.")
    if manager and kind != {"dnf5": "dnf"}.get(manager, manager):
        raise RepositoryError(f"repository {name}: type is {kind}, and this node's package manager is {manager}.")
    for key in ("url", "key_url"):
        if not re.match(r"(https?://[^/\s]+|file:///)\S*$", str(record.get(key) or "")):
            raise RepositoryError(
                f"repository {name}: {key} is {record.get(key)!r}, expected an http, https or file address."
            )
    fingerprint = str(record.get("fingerprint") or "").replace(" ", "").upper()
    if not re.fullmatch(r"[0-9A-F]{40}", fingerprint):
        raise RepositoryError(
            f"repository {name}: fingerprint is {record.get('fingerprint')!r}, expected the 40 hexadecimal digits of "
            f"the key that signs it; without it nothing is installed from there."
        )
    suite, components = str(record.get("suite") or ""), tuple(record.get("components") or ())
    if kind == "apt" and not suite:
        raise RepositoryError(f"repository {name}: no suite is given, expected a suite, or '/' for a flat repository.")
    if kind == "apt" and suite.endswith("/") == bool(components):
        raise RepositoryError(
            f"repository {name}: the suite {suite!r} with the components {list(components)!r} does not fit; a suite "
            f"that ends with '/' is flat and has none, any other has at least one."
        )
    return Repository(
        name,
        str(kind),
        str(record["url"]),
        str(record["key_url"]),
        fingerprint,
        suite,
        components,
        str(record.get("arch") or ""),
        " ".join(str(record.get("description") or "").split()),
        bool(record.get("repo_gpgcheck")),
    )
