# Private to awsome.training: its API may change without notice.
"""topology.conf: which switch connects which nodes, or which are one block; and the order of ranks that follows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import compress, natural_key

# A node's place: the names of the switches above it, from the root down.
Places = Mapping[str, Sequence[str]]

# Slurm's own default are the base block size and its doubles up to 16 times it (bit_nset 0..4 in its topology/block).
MAX_DOUBLINGS = 4
# The first release that has topology/block.
BLOCK_SINCE = (23, 11)


def choose(asked: str, switches: Places, blocks: Mapping[str, str], version: str = "") -> tuple[str, list[str]] | None:
    """The plugin and the lines of topology.conf, or None where there must be no file.

    Slurm takes an empty file for a mistake. Where no plugin is asked for, the tree comes first: every Slurm has it.
    """
    has_tree, has_blocks = any(map(bool, switches.values())), any(blocks.values())
    kind = asked.rpartition("/")[2].lower() or ("tree" if has_tree else "block" if has_blocks else "")
    if kind == "tree" and has_tree:
        return "topology/tree", tree(switches)
    if kind == "block" and has_blocks:
        if version and tuple(int(part) for part in version.split(".")[:2]) < BLOCK_SINCE:
            raise ValueError(
                f"topology: Slurm {version} has no topology/block, expected {'.'.join(map(str, BLOCK_SINCE))} or "
                "later; take slurm_node_block away, or give slurm_node_switches."
            )
        return "topology/block", block(blocks, switches)
    return None


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


def block(blocks: Mapping[str, str], places: Places | None = None) -> list[str]:
    """Write the lines of topology/block, and the sizes that jobs are planned in.

    Slurm joins blocks that follow each other to larger ones, so those below one switch do. No block may have fewer
    nodes than the base size, or slurmctld does not start; so the smallest one is the base.
    """
    without = [node for node, name in blocks.items() if not name]
    if without:
        raise ValueError(
            f"topology: {compress(without)} has no slurm_node_block, expected one for each node, since topology/block "
            "gives no job to the others; give it one, or take topology/tree."
        )
    members: dict[str, list[str]] = {}
    for node in rank_order({node: (places or {}).get(node) or () for node in blocks}, blocks):
        members.setdefault(blocks[node], []).append(node)
    base = min(map(len, members.values()))
    doublings = range(min(MAX_DOUBLINGS, len(members).bit_length() - 1) + 1)
    return [
        *(f"BlockName={name} Nodes={compress(nodes)}" for name, nodes in members.items()),
        f"BlockSizes={','.join(str(base * 2**doubling) for doubling in doublings)}",
    ]


def rank_order(places: Places, blocks: Mapping[str, str] | None = None) -> list[str]:
    """The nodes in an order in which those below one switch, or of one block, follow each other.

    Among switches of one height the one goes first that has the first node by name. So the order is that of the names
    where the network allows it, and depends neither on the order of what is given nor on what switches are called.
    """
    paths = _with_blocks(places, blocks or {})

    def order(nodes: Collection[str], depth: int) -> list[str]:
        below: dict[str, list[str]] = {}
        for node in nodes:
            path = paths[node]
            # A node of its own hangs beside the switches.
            below.setdefault(path[depth] if depth < len(path) else f"\0{node}", []).append(node)
        parts = [part if len(part) == 1 else order(part, depth + 1) for part in below.values()]
        parts.sort(key=lambda part: min(map(natural_key, part)))
        return [node for part in parts for node in part]

    return order(list(paths), 0)


def _with_blocks(places: Places, blocks: Mapping[str, str]) -> dict[str, list[str]]:
    """A node's path with its block in it, below the last switch that all of the block have in common.

    NVLink connects the block's nodes more closely than any switch does, even where they hang on several.
    """
    shared: dict[str, list[str]] = {}
    for node, name in blocks.items():
        path = list(places.get(node) or ())
        shared[name] = _common(shared[name], path) if name in shared else path
    paths = {}
    for node in {**places, **blocks}:
        path, name = list(places.get(node) or ()), blocks.get(node, "")
        above = len(shared[name]) if name else 0
        paths[node] = [*path[:above], f"\0{name}", *path[above:]] if name else path
    return paths


def _common(one: Sequence[str], other: Sequence[str]) -> list[str]:
    same = []
    for left, right in zip(one, other):
        if left != right:
            break
        same.append(left)
    return same


def _sorted(switches: Mapping[str, Iterable[str]]) -> list[tuple[str, Iterable[str]]]:
    return sorted(switches.items())
