# Private to awsome.training: its API may change without notice.
"""From what EC2 says of instances' places in its network to Slurm's switches and blocks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import compress, natural_key
from ansible_collections.awsome.training.plugins.module_utils._slurm.topology import rank_order

# What is not one of EC2's network nodes: the switch that joins several trees, since a job cannot span two, and the leaf
# of nodes whose place nobody knows. One leaf for all of them: Slurm computes the distance of every pair of switches.
ROOT, UNPLACED = "cluster", "unplaced"


@dataclass
class Found:
    """A path of switches and a block for each host, or for none; the order of ranks; and what to know of them."""

    switches: dict[str, list[str]] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        return "pass" if self.switches or self.blocks else "not-checked"


def places(instances: Mapping[str, str], answers: Iterable[Mapping[str, Any]]) -> Found:
    """Place hosts, given the id of each one's instance and what DescribeInstanceTopology answered of instances."""
    told = {str(one["InstanceId"]): one for one in answers}
    paths = {host: _path(told.get(instance) or {}) for host, instance in instances.items()}
    domains = {host: str((told.get(one) or {}).get("CapacityBlockId") or "") for host, one in instances.items()}
    found = Found()
    found.switches = _switches(paths, found.notes)
    found.blocks = _blocks(domains, found.notes)
    found.order = rank_order(
        found.switches or dict.fromkeys(instances, ()), {host: block for host, block in domains.items() if block}
    )
    return found


def _path(answer: Mapping[str, Any]) -> list[str]:
    """EC2's list has the top of its network first, and the node that the instance hangs on last."""
    return [str(node) for node in answer.get("NetworkNodes") or () if node]


def _switches(paths: Mapping[str, Sequence[str]], notes: list[str]) -> dict[str, list[str]]:
    unplaced = [host for host, path in paths.items() if not path]
    if len(unplaced) == len(paths):
        notes.append(
            f"EC2 tells the place of none of {len(paths)} hosts, so the topology is not checked and left flat; it "
            "tells that of running instances of some types only (EC2's guide: instance topology, prerequisites)."
        )
        return {}
    parents, fault = _parents(paths.values())
    if fault:
        notes.append(f"{fault}, expected a tree, so the topology is not checked and left flat.")
        return {}
    full = {host: _up(path, parents) for host, path in paths.items() if path}
    inner = set(parents.values())
    taken = {switch for path in full.values() for switch in path}
    for path in full.values():
        # Slurm allows a switch either nodes or switches below it.
        if path[-1] in inner:
            path.append(_free(f"{path[-1]}-nodes", taken))
    if unplaced or len({path[0] for path in full.values()}) > 1:
        root = _free(ROOT, taken)
        full = {host: [root, *path] for host, path in full.items()}
        full.update({host: [root, _free(UNPLACED, taken)] for host in unplaced})
    if unplaced:
        notes.append(
            f"EC2 does not tell the place of {compress(unplaced)}; these hosts hang on a switch of their own, "
            f"{_free(UNPLACED, taken)!r}. Ask again when their instances run."
        )
    return {host: full[host] for host in sorted(full, key=natural_key)}


def _parents(paths: Iterable[Sequence[str]]) -> tuple[dict[str, str], str]:
    """The network node above each, or a sentence's beginning where they are no tree."""
    parents: dict[str, str] = {}
    for path in paths:
        for upper, lower in zip(path, path[1:]):
            if parents.setdefault(lower, upper) != upper:
                return {}, f"EC2 puts the network node {lower} below both {parents[lower]} and {upper}"
    for start in parents:
        seen, node = {start}, parents[start]
        while node not in seen and node in parents:
            seen.add(node)
            node = parents[node]
        if node in seen:
            return {}, f"EC2 puts the network node {node} below itself"
    return parents, ""


def _up(path: Sequence[str], parents: Mapping[str, str]) -> list[str]:
    """The whole path from the root: of some instance types EC2 tells a layer more than of others."""
    full = list(path)
    while full[0] in parents:
        full.insert(0, parents[full[0]])
    return full


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "-"
    return name


def _blocks(domains: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    """The NVLink domain of each host. Slurm wants all nodes in blocks, and none in a smaller one than the base."""
    members: dict[str, list[str]] = {}
    for host, domain in domains.items():
        members.setdefault(domain, []).append(host)
    rest = members.pop("", [])
    if not members:
        return {}
    smallest = min(map(len, members.values()))
    if rest and len(rest) < smallest:
        notes.append(
            f"{compress(rest)} is in no UltraServer, and too few for a block beside one of {smallest}, so no host gets "
            "a block; the switches stand."
        )
        return {}
    name = _free(UNPLACED, set(members))
    return {host: domains[host] or name for host in sorted(domains, key=natural_key)}
