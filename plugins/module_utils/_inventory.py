# This file is private to the awsome.training collection: do not import it from elsewhere.
"""Find everything that is wrong with an inventory. Runs on the controller only; knows nothing of Ansible."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog, CatalogError

FUNCTIONS = ("controller", "login", "compute")
NODE_VARIABLES = ("cluster_name", "instance_type", "node_profile", "repository_mirror_url", "shared_dir")
_FOREIGN = ("ansible_", "inventory_", "group_", "play_", "playbook_", "role_", "molecule_", "awsome_check_", "__")
_CLUSTER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Inventory:
    """What a user wrote: the hosts of each group, the variables of each host, and where a variable stands."""

    groups: Mapping[str, list[str]]
    variables: Mapping[str, Mapping[str, Any]]
    where: Callable[[str, str], str] = lambda host, name: "inventory"

    def hosts(self, *groups: str) -> list[str]:
        return list(dict.fromkeys(host for group in groups for host in self.groups.get(group, [])))


def role_options(roles: Path) -> dict[str, list[str]]:
    """The public variables of every role below a directory, read from its defaults."""
    return {
        path.parents[1].name: sorted(yaml.safe_load(path.read_text()) or {})
        for path in sorted(roles.glob("*/defaults/main.yml"))
    }


def faults(inventory: Inventory, catalog: Catalog, options: Mapping[str, Iterable[str]]) -> list[str]:
    """Every fault, each as one sentence; empty when the inventory can be converged."""
    known = {name: role for role, names in options.items() for name in names}
    hosts_of: dict[str, list[str]] = {}
    for host in inventory.hosts(*FUNCTIONS):
        for fault in [*_host_faults(inventory, host, catalog), *_variable_faults(inventory, host, known, options)]:
            hosts_of.setdefault(fault, []).append(host)
    return [*_group_faults(inventory, catalog), *(f"{fault} ({_told(hosts)})" for fault, hosts in hosts_of.items())]


def _told(hosts: list[str]) -> str:
    shown = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
    return f"{'host' if len(hosts) == 1 else 'hosts'} {shown}"


def _group_faults(inventory: Inventory, catalog: Catalog) -> list[str]:
    found = []
    controllers = inventory.hosts("controller")
    if not controllers:
        found.append(
            "inventory: group 'controller' has no host, expected exactly one; add the host that runs slurmctld."
        )
    if len(controllers) > 1 and not all(_is_one_of_several(inventory, host, catalog) for host in controllers):
        found.append(
            f"inventory: group 'controller' has {len(controllers)} hosts ({', '.join(controllers)}), expected exactly "
            "one, or a node_profile with the role slurm_heads on each; keep one and move the others to 'login' or "
            "'compute', or choose such a profile."
        )
    if not inventory.hosts("compute"):
        found.append("inventory: group 'compute' has no host, expected at least one; add the hosts that run jobs.")
    for host in inventory.hosts(*FUNCTIONS):
        functions = [name for name in FUNCTIONS if host in inventory.groups.get(name, [])]
        if len(functions) > 1:
            found.append(
                f"inventory: host '{host}' is in the groups {' and '.join(functions)}, expected one; "
                "a node has one function."
            )
    names = {str(inventory.variables[host].get("cluster_name")) for host in inventory.hosts(*FUNCTIONS)}
    if len(names) > 1:
        found.append(
            f"inventory: cluster_name differs between hosts ({', '.join(sorted(names))}), expected one name; "
            "set it once, for all hosts."
        )
    return found


def _is_one_of_several(inventory: Inventory, host: str, catalog: Catalog) -> bool:
    profile = catalog.profiles.get(str(inventory.variables[host].get("node_profile")), {})
    return "slurm_heads" in profile.get("roles", [])


def _host_faults(inventory: Inventory, host: str, catalog: Catalog) -> list[str]:
    variables = inventory.variables[host]
    found = []
    if variables.get("node_profile") is None:
        profiles = ", ".join(catalog.profiles)
        found.append(f"inventory: no node_profile is set, expected one of {profiles}; set it on the host's group.")
    else:
        found += _unknown(inventory, host, "node_profile", catalog.profile)
    if variables.get("instance_type") is not None:
        found += _unknown(inventory, host, "instance_type", catalog.instance)
    name = variables.get("cluster_name")
    if name is None:
        found.append("inventory: no cluster_name is set, expected a name such as 'research'; set it for all hosts.")
    elif not _CLUSTER_NAME.fullmatch(str(name)):
        found.append(
            f"{inventory.where(host, 'cluster_name')}: cluster_name is {str(name)!r}, expected at most 40 lower-case "
            "letters, digits, '-' and '_'; choose such a name, for Slurm's accounting refuses others."
        )
    return found


def _unknown(inventory: Inventory, host: str, key: str, pick: Callable[[str], Any]) -> list[str]:
    value = str(inventory.variables[host].get(key))
    try:
        pick(value)
    except CatalogError as error:
        return [f"{inventory.where(host, key)}: {key} is {value!r}: {error}"]
    return []


def _variable_faults(
    inventory: Inventory, host: str, known: Mapping[str, str], options: Mapping[str, Iterable[str]]
) -> list[str]:
    """Ansible says nothing about a misspelt variable; it just uses the default. So say it here."""
    roles = sorted(options, key=len, reverse=True)
    names = [*known, *NODE_VARIABLES]
    found = []
    for name in inventory.variables[host]:
        if name in names or name.startswith(_FOREIGN):
            continue
        role = next((role for role in roles if name.startswith(f"{role}_")), None)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6 if role else 0.85)
        if near:
            hint = f"did you mean '{near[0]}'?"
        elif role:
            hint = f"role {role} has no such option; see its defaults."
        else:
            continue  # a variable of the user's own
        found.append(f"{inventory.where(host, name)}: '{name}' is no variable of this collection; {hint}")
    return found
