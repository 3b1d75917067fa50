# This file is private to the awsome.training collection: do not import it from elsewhere.
"""What is installed on hosts, compared with what their profiles pin and with the compatibility rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils import _compatibility as compatibility
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog, CatalogError
from ansible_collections.awsome.training.plugins.module_utils._version import VersionError, head, holds
from ansible_collections.awsome.training.plugins.module_utils._versions.survey import PROBES

SAME, DRIFT, MISSING, UNPINNED, UNKNOWN = "same", "drift", "missing", "unpinned", "unknown"
# Of a whole audit, the worst last.
OK, DRIFTED, REFUSED = "ok", "drift", "refused"
COLUMNS = ("host", "component", "installed", "wanted", "verdict")

# Where /etc/os-release has another word than the catalogue.
_OS_RELEASE = {"amzn": "amazon", "rhel": "redhat"}


def versions(components: Mapping[str, Any]) -> dict[str, str | None]:
    """Versions by component: plain ones, or what component_versions returned, where null is what is not there."""
    if set(PROBES) <= set(components):
        return {name: one["version"] for name, one in components.items() if one}
    return dict(components)


def gpu_models(catalog: Catalog, instance_types: Iterable[str]) -> list[str]:
    """The GPUs of some instance types."""
    chips = [catalog.instance(name)["accelerator"] for name in instance_types]
    return list(dict.fromkeys(chip["model"] for chip in chips if chip and chip["kind"] == "nvidia"))


def judged(
    catalog: Catalog,
    components: Mapping[str, Any],
    platform: str = "",
    instance_types: Iterable[str] = (),
    models: Iterable[str] | None = None,
) -> list[dict[str, str]]:
    """The findings of the catalogue's rules; without models of GPUs, those of the instance types are taken."""
    types = list(instance_types)
    facts = {
        "components": versions(components),
        "platform": platform,
        "instance_types": types,
        "gpu_models": gpu_models(catalog, types) if models is None else list(models),
    }
    return [asdict(finding) for finding in compatibility.judge(catalog.compatibility, facts)]


def audit(catalog: Catalog, hosts: Mapping[str, Mapping[str, Any]], silent: Iterable[str] = ()) -> dict[str, Any]:
    """The whole result. Of a host: what component_versions has `seen`, and what its profile `wanted`."""
    peers = _controller(hosts)
    rows, findings = [], []
    for host, facts in hosts.items():
        seen = versions(facts["seen"]["components"])
        more = compatibility.complete(catalog.compatibility, seen)
        parts = {name: more[name] for name in more if name in facts["wanted"] and name not in PROBES}
        rows += [{"host": host, **row} for row in compared({**parts, **seen}, facts["wanted"])]
        daemons = {} if facts.get("is_controller") or not seen.get("slurm") else {"slurmd": seen["slurm"]}
        daemons.update(peers)
        platform = platform_of(catalog, facts["seen"].get("system") or {})
        types = facts.get("instance_types") or []
        models = facts["seen"].get("gpu_models") or None
        found = judged(catalog, {**seen, **daemons}, platform, types, models)
        findings += [{"host": host, **finding} for finding in found]
    silent = list(silent)
    refused = any(finding["verdict"] == compatibility.REFUSED for finding in findings)
    drifted = any(row["verdict"] in (DRIFT, MISSING) for row in rows) or bool(silent)
    return {
        "status": REFUSED if refused else DRIFTED if drifted else OK,
        "rows": rows,
        "findings": findings,
        "silent_hosts": silent,
    }


def compared(seen: Mapping[str, str | None], wanted: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """One row for every component that is wanted or installed, by name."""
    rows = []
    for name in sorted({*seen, *(name for name in wanted if name in PROBES)}):
        verdict = _verdict(name, seen, wanted)
        rows.append({"component": name, "installed": seen.get(name), "wanted": wanted.get(name), "verdict": verdict})
    return rows


def _verdict(name: str, seen: Mapping[str, str | None], wanted: Mapping[str, str | None]) -> str:
    installed, pin = seen.get(name), wanted.get(name)
    if name not in seen:
        return MISSING
    if pin is None:
        return UNPINNED
    if installed is None:
        return UNKNOWN
    return SAME if _is(installed, pin) else DRIFT


def _is(installed: str, pin: str) -> bool:
    """Whether a version is the pinned one, or of the pinned series; what was built for another CUDA is another."""
    built_for = {version.partition("+")[2] for version in (installed, pin)} - {""}
    try:
        return len(built_for) < 2 and holds(installed, f"=={head(pin)}")
    except VersionError:
        return installed == pin


def _controller(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The versions of the controller's daemons."""
    for facts in hosts.values():
        slurm = versions(facts["seen"]["components"]).get("slurm")
        if facts.get("is_controller") and slurm:
            accounting = {"slurmdbd": slurm} if facts.get("is_accounting") else {}
            return {**accounting, "slurmctld": slurm}
    return {}


def platform_of(catalog: Catalog, system: Mapping[str, str]) -> str:
    """The platform that /etc/os-release names, or nothing."""
    name, major = system.get("id", ""), system.get("version_id", "").split(".")[0]
    try:
        return catalog.platform_of(_OS_RELEASE.get(name, name), major)
    except CatalogError:
        return ""


def told(result: Mapping[str, Any]) -> list[str]:
    """The audit for people: a table, then what the rules refuse or do not know."""
    cells = [COLUMNS, *([str(row[key] or "-") for key in COLUMNS] for row in result["rows"])]
    widths = [max(len(line[index]) for line in cells) for index in range(len(COLUMNS))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    sentences = [
        f"{finding['host']}: {sentence}"
        for verdict in (compatibility.REFUSED, compatibility.UNKNOWN)
        for finding in result["findings"]
        for sentence in compatibility.told([finding], (verdict,))
    ]
    return [*table, *sentences, *(f"{host}: could not be looked at" for host in result["silent_hosts"])]
