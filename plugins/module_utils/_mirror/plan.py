# Private to awsome.training: its API may change without notice.
"""What the catalogue asks the mirror to hold, before anyone asks the vendors. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils import _repository as repository
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog
from ansible_collections.awsome.training.plugins.module_utils._mirror import roles, words

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Artefact:
    """One release to fetch for one architecture."""

    label: str
    url: str
    path: str  # in the mirror; empty until its checksum is known
    sha256: str
    signature_url: str = ""
    key_url: str = ""
    fingerprint: str = ""
    sha512: str = ""  # proves the file where its sha256 is not told


@dataclass(frozen=True)
class Source:
    """One package repository for one architecture, and the packages that roles take from it."""

    repository: repository.Repository
    names: tuple[str, ...]
    required: tuple[str, ...] = ()  # named by the user: a repository that lacks one is a fault
    assumed: tuple[str, ...] = ()  # asked for on some nodes only, by tasks whose conditions a node alone can tell

    @property
    def label(self) -> str:
        suite = f" {self.repository.suite}" if self.repository.suite.strip("/") else ""
        return f"repository {self.repository.name} ({self.repository.url}{suite}, {self.repository.arch})"


@dataclass
class Plan:
    artefacts: dict[Artefact, set[str]] = field(default_factory=dict)  # with what needs it
    sources: dict[Source, set[str]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    @property
    def lines(self) -> list[str]:
        """What is planned, for the user to read."""
        told = [f"{one.label}: {one.url}" for one in self.artefacts]
        told += [f"{one.label}: {', '.join(sorted({*one.names, *one.required, *one.assumed}))}" for one in self.sources]
        return sorted(told)

    @property
    def digest(self) -> str:
        """Changes with whatever would change the lockfile."""
        parts = [
            sorted((json.dumps(dataclasses.asdict(one), sort_keys=True), sorted(who)) for one, who in table.items())
            for table in (self.artefacts, self.sources)
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def systems(catalog: Catalog, platforms: Iterable[str], architectures: Iterable[str]) -> list[tuple[Record, str]]:
    """Every platform's row with every architecture."""
    rows, known = [catalog.platform(name) for name in platforms], list(repository.APT_ARCHITECTURES)
    unknown = [arch for arch in architectures if arch not in known]
    if not rows or unknown:
        told = ", ".join(catalog.platforms)
        raise words.MirrorError(
            f"mirror: architectures holds {unknown[0]!r}, expected {' or '.join(known)}."
            if unknown
            else f"mirror: platforms is empty, expected those of your nodes; the catalogue knows {told}."
        )
    return [(row, arch) for row in rows for arch in architectures]


def image_profiles(catalog: Catalog) -> list[str]:
    """The profiles that images are made of; all of them where none says so."""
    return [name for name, row in catalog.profiles.items() if row.get("functions")] or list(catalog.profiles)


def roles_of(catalog: Catalog, profiles: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(role for profile in profiles for role in catalog.profile(profile)["roles"]))


def add_component(plan: Plan, catalog: Catalog, option: roles.Option, arch: str, overrides: Record) -> None:
    """Plan the releases behind one option of a role, unless the user's record stands in its place."""
    who = f"{option.role} ({arch})"
    for record in _component_records(plan, catalog, option, arch, overrides):
        if record.get("repository") and not record.get("url"):
            continue  # packaged: its repository is planned by the tasks that install it
        plan.artefacts.setdefault(_artefact(record, arch), set()).add(who)


def _component_records(
    plan: Plan, catalog: Catalog, option: roles.Option, arch: str, overrides: Record
) -> list[Record]:
    if option.variable in overrides:
        given = overrides[option.variable]
        return [given] if isinstance(given, Mapping) else []
    found: list[Record] = []
    for name in option.names:
        sums = catalog.components.get(name, {}).get("sha256")
        if isinstance(sums, Mapping) and not {arch, "noarch"} & set(sums):
            plan.skipped.add(f"{name} on {arch}: catalog/components.yml knows it for {', '.join(sums)} only")
            continue
        found.append(catalog.component(name, arch))
    return found


def _artefact(record: Record, arch: str) -> Artefact:
    proved = record.get("signature_url") or record.get("sha512")
    unproved = record.get("sha256", "unverified") == "unverified" and not proved
    # A checksum that is not known yet stands as zeros, only to have all else of the record judged.
    judged = artifact.plan({**record, "sha256": "0" * 64} if unproved else record, arch, "mirror:")
    path = judged.sources[0].partition("/")[2]
    signature = judged.signature.sources[-1] if judged.signature else ""
    key = judged.key.sources[-1] if judged.key else ""
    if unproved:
        return Artefact(judged.label, judged.url, "", "")
    return Artefact(judged.label, judged.url, path, judged.sha256, signature, key, judged.fingerprint, judged.sha512)


def repository_of(
    plan: Plan,
    catalog: Catalog,
    option: roles.Option,
    options: Iterable[roles.Option],
    system: tuple[Record, str],
    overrides: Record,
) -> list[repository.Repository]:
    """The repositories behind one option of a role, at the vendor's own addresses."""
    platform, arch = system
    if option.variable in overrides:
        given = overrides[option.variable]
        return [repository.judge(given)] if isinstance(given, Mapping) and given else []
    found = []
    for name in dict.fromkeys((*option.names, *_named_by_releases(catalog, option, options, overrides))):
        row = catalog.repositories.get(name, {}).get("platforms", {}).get(platform["name"])
        if name in catalog.repositories and (row is None or arch not in row.get("architectures", [arch])):
            plan.skipped.add(f"repository {name} on {platform['name']} ({arch}): the vendor does not serve it")
            continue
        found.append(repository.judge(catalog.repository(name, platform["name"], arch)))
    return found


def _named_by_releases(
    catalog: Catalog, option: roles.Option, options: Iterable[roles.Option], overrides: Record
) -> list[str]:
    found = []
    for release in option.releases:
        names = [name for one in options if one.variable == release for name in one.names]
        records = [catalog.components.get(name) or catalog.component(name) for name in names]
        if release in overrides:
            records = [overrides[release]]
        found += [str(record["repository"]) for record in records if record.get("repository")]
    return found


def add_source(
    plan: Plan,
    found: repository.Repository,
    who: str,
    names: Iterable[str] = (),
    required: Iterable[str] = (),
    assumed: Iterable[str] = (),
) -> None:
    """Plan packages of a repository; what several roles take from it becomes one entry."""
    same = next((source for source in plan.sources if source.repository == found), None)
    users = plan.sources.pop(same) if same else set()
    old = (same.names, same.required, same.assumed) if same else ((), (), ())
    lists = [tuple(sorted({*new, *known})) for new, known in zip((names, required, assumed), old)]
    plan.sources[Source(found, *lists)] = {*users, who}
