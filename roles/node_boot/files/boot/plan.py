"""What this node is and who is beside it. Pure: adapters make a plan, the runner carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FUNCTIONS = ("controller", "login", "compute")


@dataclass(frozen=True)
class Node:
    """One node of the cluster."""

    name: str
    address: str
    function: str
    partition: str = ""
    instance_type: str = ""


@dataclass(frozen=True)
class Wait:
    """A condition that others bring about: a file, a name in DNS. `why` is told when it does not come."""

    kind: str  # file, name
    target: str
    why: str
    seconds: int = 600
    pattern: str = ""


@dataclass(frozen=True)
class Plan:
    """The whole cluster as this node sees it. `variables` hold for all, `own` for groups by name."""

    provider: str
    cluster: str
    this: Node
    nodes: tuple[Node, ...]
    profiles: Mapping[str, str]
    variables: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waits: tuple[Wait, ...] = ()
    notes: tuple[str, ...] = ()
    doors: tuple[str, ...] = ("install", "configure")

    @property
    def profile(self) -> str:
        return self.profiles[self.this.function]


def inventory(plan: Plan, user: Mapping[str, Any], known_types: frozenset[str]) -> dict[str, Any]:
    """Ansible's inventory: groups controller, login and compute, whose children are the partitions.

    Nobody but this node can be reached from here, so a task that is delegated to another one fails at once.
    """
    children: dict[str, Any] = {}
    for function in FUNCTIONS:
        members = [node for node in plan.nodes if node.function == function]
        group: dict[str, Any] = {"vars": {"node_profile": plan.profiles[function]}} if members else {}
        group.setdefault("vars", {}).update({**plan.own.get(function, {}), **user.get("groups", {}).get(function, {})})
        for node in members:
            place = group
            if function == "compute" and node.partition:
                place = group.setdefault("children", {}).setdefault(node.partition, {})
            place.setdefault("hosts", {})[node.name] = _host(node, node.name == plan.this.name, known_types)
        children[function] = group
    variables = {"cluster_name": plan.cluster, **plan.variables, **user.get("variables", {})}
    for name, rows in user.get("users", {}).items():  # those of shared_users, and those of cluster.yml
        if rows:
            variables[name] = [*rows, *user.get("variables", {}).get(name, [])]
    return {"all": {"vars": variables, "children": children}}


def _host(node: Node, here: bool, known_types: frozenset[str]) -> dict[str, Any]:
    reach = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    unreachable = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_retries": 0}
    variables: dict[str, Any] = {"slurm_node_address": node.address, **(reach if here else unreachable)}
    if node.instance_type in known_types:
        variables["instance_type"] = node.instance_type
    return variables


def steps(roles: list[str], baked: list[str], doors: tuple[str, ...] = ("install", "configure")) -> list[str]:
    """The walk: every role through install unless the image has it, then every role through configure."""
    walk = {"install": [role for role in roles if role not in baked], "configure": roles}
    return [f"{door} {role}" for door in doors for role in walk[door]]
