# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters of the roles that have clusters of Kubernetes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._catalog import CatalogError, load


def eks_addons(addons: Iterable[Mapping[str, Any]], identities: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Add-ons, each with the identities that it needs unless it tells its own."""
    return [{"identities": identities.get(addon["name"], {}), **addon} for addon in addons]


def eks_devices(groups: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the nodes of these groups have that needs a device plugin: nvidia, neuron, efa."""
    found = set()
    for group in groups:
        try:
            row = load().instance(group["instance_type"])
        except CatalogError:
            continue  # module eks_node_groups tells, together with every other fault
        efa = group.get("efa")
        found |= {"efa"} if row["efa_interfaces"] and efa is not False else set()
        found |= {row["accelerator"]["kind"]} if row["accelerator"] else set()
    return sorted(found)


def kubernetes_faults(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """What must not be pulled or fetched: records of images, charts and archives that nobody can check."""
    faults = []
    for record in records:
        what = record.get("image") or record.get("chart") or record.get("url")
        key = "sha256" if "url" in record else "digest"
        if record.get(key, "unverified") == "unverified":
            faults.append(
                f"catalog/components.yml: {record['name']} {record['version']} has no {key}, so {what} cannot be "
                "checked; "
                f"look the {key} up at its vendor and put it into the record, or give the role a record of your own."
            )
    return faults


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"eks_addons": eks_addons, "eks_devices": eks_devices, "kubernetes_faults": kubernetes_faults}
