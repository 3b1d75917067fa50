# Private to awsome.training: its API may change without notice.
"""topology.conf: which switch connects which nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import compress

# A node's place: the names of the switches above it, from the root down.
Places = Mapping[str, Sequence[str]]


def tree(places: Places) -> list[str]:
    """Write the lines of topology/tree: the switches above switches first, then the leaves with their nodes."""
    children: dict[str, set[str]] = {}
    leaves: dict[str, list[str]] = {}
    parents: dict[str, str] = {}
    for node, path in places.items():
        if not path:
            raise ValueError(f"topology: node {node} has no slurm_node_switches; give it a list, from the root down")
        for upper, lower in zip(path, path[1:]):
            if parents.setdefault(lower, upper) != upper:
                raise ValueError(f"topology: switch {lower} hangs below both {parents[lower]} and {upper}")
            children.setdefault(upper, set()).add(lower)
        leaves.setdefault(path[-1], []).append(node)
    both = sorted(set(children) & set(leaves))
    if both:
        raise ValueError(
            f"topology: switch {both[0]} has both nodes and switches below it; Slurm allows one of the two"
        )
    return [
        *(f"SwitchName={switch} Switches={compress(below)}" for switch, below in _sorted(children)),
        *(f"SwitchName={switch} Nodes={compress(nodes)}" for switch, nodes in _sorted(leaves)),
    ]


def _sorted(switches: Mapping[str, Iterable[str]]) -> list[tuple[str, Iterable[str]]]:
    return sorted(switches.items())
