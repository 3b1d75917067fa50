# This file is private to the awsome.training collection: do not import it from elsewhere.
"""Read the catalogue. Runs on the controller only; knows nothing of Ansible."""

from __future__ import annotations

import copy
import difflib
import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.awsome.training.plugins.module_utils import _repository

Row = dict[str, Any]
Table = dict[str, Row]

HERE = Path(__file__).parents[2] / "catalog"
# Rebuilds of Red Hat Enterprise Linux count as it: they take the same packages.
_REBUILDS = dict.fromkeys(("rocky", "almalinux", "centos", "oraclelinux"), "redhat")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CatalogError(ValueError):
    """The catalogue has no such record, or contradicts itself. Its message is one sentence for the user."""


@dataclass(frozen=True)
class Catalog:
    """The catalogue below `root`. Each file is read when it is first asked for; treat the rows as read-only."""

    root: Path

    @functools.cached_property
    def components(self) -> Table:
        return self._read("components")

    @functools.cached_property
    def repositories(self) -> Table:
        return self._read("repositories")

    @functools.cached_property
    def platforms(self) -> Table:
        return _expand_platforms(self._read("platforms"))

    @functools.cached_property
    def profiles(self) -> Table:
        return self._read("profiles")

    @functools.cached_property
    def compatibility(self) -> Table:
        return self._read("compatibility")

    @functools.cached_property
    def instances(self) -> Table:
        return _expand_instances(self._read("instances"))

    def component(self, name: str, arch: str | None = None) -> Row:
        """The record of a component, its URLs and checksum settled for `arch`; a packaged one has none."""
        record = self._pick("components", self.components, name)
        if "url" in record:
            words = {"version": record["version"], "arch": record.get("arch_names", {}).get(arch, arch)}
            for owner, key in ((record, "url"), (record, "signature_url"), (record.get("signing_key", {}), "url")):
                if key in owner:
                    owner[key] = owner[key].format(**words)
            for key in ("sha256", "sha512"):
                if key in record and record[key] != "unverified":
                    record[key] = _checksum(name, key, record[key], arch)
        return {"name": name, **record}

    def repository(self, name: str, platform: str, arch: str, mirror: str = "") -> Row:
        """The record of a vendor's package repository, settled for a platform and an architecture."""
        record = self._pick("repositories", self.repositories, name)
        try:
            settled: Row = _repository.settle(name, record, self.platform(platform), arch, mirror)
        except _repository.RepositoryError as error:
            raise CatalogError(str(error)) from error
        return settled

    def platform_of(self, distribution: str, major: str) -> str:
        """The platform that a host's facts name; where several rows do, the first."""
        wanted = (_REBUILDS.get(distribution.lower(), distribution.lower()), str(major))
        for name, row in self.platforms.items():
            if (row["distribution"], row["major"]) == wanted:
                return name
        raise CatalogError(
            f"catalog/platforms.yml has no row for {distribution} {major}; it knows {_listed(self.platforms)}."
        )

    def platform(self, name: str) -> Row:
        return {"name": name, **self._pick("platforms", self.platforms, name)}

    def profile(self, name: str) -> Row:
        return {"name": name, **self._pick("profiles", self.profiles, name)}

    def instance(self, name: str) -> Row:
        """The row of an EC2 instance type; SageMaker's `ml.` in front of it is accepted."""
        return self._pick("instances", self.instances, name.removeprefix("ml."))

    @functools.cached_property
    def walk_order(self) -> list[str]:
        """All roles of all profiles, in the one order that agrees with each profile's own."""
        return merge_orders({name: row["roles"] for name, row in self.profiles.items()})

    def _read(self, name: str) -> Table:
        path = self.root / f"{name}.yml"
        try:
            with path.open("rb") as stream:
                data = yaml.load(stream, Loader=_LOADER)
        except OSError as error:
            raise CatalogError(f"catalog/{name}.yml cannot be read at {path}: {error.strerror}.") from error
        except yaml.YAMLError as error:
            raise CatalogError(f"catalog/{name}.yml is not YAML: {' '.join(str(error).split())}.") from error
        if not isinstance(data, dict):
            raise CatalogError(f"catalog/{name}.yml holds {type(data).__name__}, not a mapping of names to records.")
        return data

    @staticmethod
    def _pick(file: str, table: Table, name: str) -> Row:
        if name not in table:
            near = difflib.get_close_matches(name, table, n=3, cutoff=0.5)
            hint = f"the nearest are {_listed(near)}" if near else f"it knows {_listed(list(table)[:12])}"
            raise CatalogError(f"catalog/{file}.yml has no {name!r}; {hint}.")
        return copy.deepcopy(table[name])


@functools.cache
def load(root: Path | None = None) -> Catalog:
    """The catalogue of this collection, or the one below `root`. Read once a process."""
    return Catalog(root or HERE)


def merge_orders(orders: Mapping[str, Iterable[str]]) -> list[str]:
    """Merge ordered lists into one that keeps each list's order; names met first come first."""
    before: dict[str, set[str]] = {}
    for roles in orders.values():
        previous: str | None = None
        for role in roles:
            before.setdefault(role, set())
            if previous is not None:
                before[role].add(previous)
            previous = role
    merged: list[str] = []
    while len(merged) < len(before):
        ready = next((role for role, needs in before.items() if role not in merged and needs <= set(merged)), None)
        if ready is None:
            left = [role for role in before if role not in merged]
            raise CatalogError(
                f"catalog/profiles.yml: the profiles {_listed(orders)} allow no common order of the roles "
                f"{_listed(left)}; give these roles the same order everywhere."
            )
        merged.append(ready)
    return merged


def vars_files(role_path: Path, family: str, distribution: str, major: str) -> list[Path]:
    """The files below a role's vars/ that apply to a system, from the general to the particular."""
    family, distribution = family.lower(), distribution.lower()
    names = dict.fromkeys([family, distribution, f"{distribution}_{major}"])
    paths = [role_path / "vars" / f"{name}.yml" for name in names]
    return [path for path in paths if path.is_file()]


def _checksum(name: str, kind: str, sums: Mapping[str, str], arch: str | None) -> str:
    key = "noarch" if "noarch" in sums else arch
    if key is None:
        raise CatalogError(
            f"catalog/components.yml: {name} differs by architecture ({_listed(sums)}), and none was named; "
            "gather the host's facts first or pass arch."
        )
    if key not in sums:
        raise CatalogError(
            f"catalog/components.yml: {name} has no {kind} for architecture {key}, only for {_listed(sums)}; "
            "add one to the record."
        )
    return sums[key]


def _expand_platforms(data: Table) -> Table:
    """Give an image that is built on a system the facts of that system, but not what the lab builds it from."""
    rows: Table = {}
    for name, row in data.items():
        facts = {}
        if "base" in row:
            base = _named(name, "platforms", row["base"], data, file="platforms")
            facts = {key: value for key, value in base.items() if key not in ("suite", "bootstrap", "image")}
        rows[name] = {**facts, **row}
    return rows


def _expand_instances(data: Row) -> Table:
    """Turn families and their sizes into one full row for each type."""
    rows: Table = {}
    for family, facts in data["families"].items():
        for size, own in facts["sizes"].items():
            name = f"{family}.{size}"
            rows[name] = {"instance_type": name, "family": family, **_instance_row(name, {**facts, **own}, data)}
    return rows


def _instance_row(name: str, facts: Row, data: Row) -> Row:
    vcpus, threads = facts["vcpus"], facts.get("threads", 1)
    total = vcpus // threads
    sockets = facts.get("sockets") or math.ceil(total / facts["socket_cores"])
    if vcpus != sockets * (total // sockets) * threads:
        raise CatalogError(
            f"catalog/instances.yml: {name} has {vcpus} vcpus, which is not {sockets} sockets of whole cores with "
            f"{threads} threads; correct its vcpus, threads, sockets or socket_cores."
        )
    unverified = list(facts.get("unverified", []))
    if "sockets_source" not in facts and total > 1:
        unverified += ["sockets", "cores"]
    accelerator = _accelerator(name, facts, data["accelerators"])
    if accelerator:
        unverified += [f"accelerator.{field}" for field in accelerator.pop("unverified")]
    efa, disks = facts.get("efa", 0), facts.get("nvme")
    return {
        "arch": facts["arch"],
        "processor": facts["processor"],
        "vcpus": vcpus,
        "sockets": sockets,
        "cores": total // sockets,
        "threads": threads,
        "memory_mib": facts["memory_mib"],
        "accelerator": accelerator,
        "efa_interfaces": efa,
        "network_cards": facts.get("cards", 1),
        "local_nvme": {"count": disks[0], "size_gb": disks[1]} if disks else None,
        "fabric": _named(name, "fabrics", facts["fabric"], data["fabrics"]) and facts["fabric"] if efa else None,
        "unverified": unverified,
        "differs": facts.get("differs", {}),
    }


def _accelerator(name: str, facts: Row, known: Table) -> Row | None:
    if "accelerator" not in facts:
        return None
    chip = _named(name, "accelerators", facts["accelerator"], known)
    count, fraction = facts["accelerators"], facts.get("fraction", 1)
    return {
        "kind": chip["kind"],
        "model": chip["model"],
        "count": count,
        "fraction": fraction,
        "memory_mib": facts.get("fraction_memory_mib", chip["memory_mib"]),
        "neuron_cores": chip.get("neuron_cores"),
        "bf16_tflops": chip.get("bf16_tflops") if fraction == 1 else None,
        "nvlink": chip.get("nvlink") if count > 1 else None,
        "unverified": chip.get("unverified", []),
    }


def _named(owner: str, table: str, name: str, known: Table, file: str = "instances") -> Row:
    if name not in known:
        raise CatalogError(f"catalog/{file}.yml: {owner} names {name!r}; its {table} are {_listed(known)}.")
    return known[name]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
