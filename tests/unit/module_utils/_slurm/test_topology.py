"""topology.conf of both kinds, which of them is written, and the order of ranks."""

from __future__ import annotations

import re

import pytest
from ansible_collections.awsome.training.plugins.module_utils._slurm import conf, topology
from ansible_collections.awsome.training.plugins.module_utils._slurm.conf import Cluster, Node
from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import expand
from hypothesis import given
from hypothesis import strategies as st

CPUS = (("CPUs", 2),)


def rendered(*nodes: Node, version: str = "", **settings: str) -> dict[str, str | None]:
    return conf.render_files(Cluster(settings, nodes, version=version))


def test_without_places_there_is_no_file() -> None:
    assert topology.choose("", {"n1": ()}, {"n1": ""}) is None
    files = rendered(Node("n1", CPUS))
    assert files["topology.conf"] is None and "TopologyPlugin" not in str(files["slurm.conf"])


def test_the_tree_comes_first_and_the_user_decides() -> None:
    switches, blocks = {"n1": ["a"], "n2": ["b"]}, {"n1": "x", "n2": "y"}
    assert topology.choose("", switches, blocks) == ("topology/tree", topology.tree(switches))
    assert topology.choose("", {"n1": (), "n2": ()}, blocks) == ("topology/block", topology.block(blocks))
    assert topology.choose("topology/block", switches, blocks) == ("topology/block", topology.block(blocks))
    for flat in ("topology/flat", "topology/default"):
        assert topology.choose(flat, switches, blocks) is None


def test_a_users_plugin_is_found_whatever_its_case() -> None:
    node = Node("n1", CPUS, switches=("a",), block="x")
    files = rendered(node, topologyplugin="topology/block")
    assert str(files["topology.conf"]).endswith("BlockName=x Nodes=n1\nBlockSizes=1\n")
    assert str(files["slurm.conf"]).count("opologyplugin") == 1
    assert rendered(node, topologyplugin="topology/flat")["topology.conf"] is None


@pytest.mark.parametrize(
    ("version", "good"), [("22.05.8", False), ("23.02.7", False), ("23.11.4", True), ("26.05.4", True)]
)
def test_blocks_need_a_slurm_that_has_them(version: str, good: bool) -> None:
    if good:
        assert topology.choose("", {}, {"n1": "x"}, version)
        return
    with pytest.raises(ValueError, match=rf"Slurm {version} has no topology/block, expected 23\.11 or later"):
        topology.choose("", {}, {"n1": "x"}, version)


def test_a_node_in_no_block_is_named() -> None:
    with pytest.raises(ValueError, match=r"n\[1-2\] has no slurm_node_block, expected one for each node"):
        topology.block({"n1": "", "n2": "", "n3": "x"})


def test_blocks_of_one_switch_follow_each_other() -> None:
    blocks = {"n1": "a", "n2": "b", "n3": "c", "n4": "d"}
    places = {"n1": ["left"], "n2": ["right"], "n3": ["left"], "n4": ["right"]}
    names = [line.split()[0] for line in topology.block(blocks, places)]
    assert names == ["BlockName=a", "BlockName=c", "BlockName=b", "BlockName=d", "BlockSizes=1,2,4"]


def test_ranks_go_by_names_where_the_network_lets_them() -> None:
    assert topology.rank_order({"n10": ["a"], "n2": ["b"], "n1": ["a"], "n3": ["b"]}) == ["n1", "n10", "n2", "n3"]
    assert topology.rank_order({"n10": (), "n2": (), "n1": ()}) == ["n1", "n2", "n10"]


def test_an_nvlink_domain_over_two_switches_stays_together() -> None:
    places = {"n1": ["s", "a"], "n2": ["s", "b"], "n3": ["s", "a"], "n4": ["s", "b"]}
    assert topology.rank_order(places) == ["n1", "n3", "n2", "n4"]
    assert topology.rank_order(places, {"n1": "u1", "n2": "u1", "n3": "u2", "n4": "u2"}) == ["n1", "n2", "n3", "n4"]


# --- properties

NODES = st.integers(1, 60).map(lambda count: [f"n{number}" for number in range(count)])


@st.composite
def trees(draw: st.DrawFn) -> dict[str, list[str]]:
    """Nodes on the leaves of a tree of three layers."""
    spines, racks = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    places = {}
    for node in draw(NODES):
        spine = draw(st.integers(0, spines - 1))
        leaf = f"{spine}-{draw(st.integers(0, racks - 1))}"
        places[node] = ["root", f"spine-{spine}", f"leaf-{leaf}"]
    return places


@given(trees())
def test_each_node_is_on_exactly_one_leaf(places: dict[str, list[str]]) -> None:
    lines = topology.tree(places)
    nodes = [node for line in lines for part in re.findall(r"Nodes=(\S+)", line) for node in expand(part)]
    assert sorted(nodes) == sorted(places)
    named = re.findall(r"SwitchName=(\S+)", "\n".join(lines))
    below = [switch for line in lines for part in re.findall(r"Switches=(\S+)", line) for switch in expand(part)]
    assert sorted(named) == sorted(["root", *below])


@given(trees(), st.integers(1, 5), st.randoms())
def test_each_node_is_in_exactly_one_block_and_no_block_is_below_the_base(
    places: dict[str, list[str]], size: int, random: object
) -> None:
    blocks = {node: f"b{number // size}" for number, node in enumerate(places)}
    *lines, last = topology.block(blocks, places)
    members = [expand(line.partition("Nodes=")[2]) for line in lines]
    assert sorted(node for part in members for node in part) == sorted(places)
    sizes = [int(word) for word in last.partition("=")[2].split(",")]
    assert sizes[0] == min(map(len, members)) and sizes == [sizes[0] * 2**power for power in range(len(sizes))]
    assert sizes[-1] // sizes[0] <= len(members)


@given(trees(), st.randoms(use_true_random=False))
def test_the_order_of_ranks_keeps_switches_together_whatever_the_input(
    places: dict[str, list[str]], random: object
) -> None:
    order = topology.rank_order(places)
    assert sorted(order) == sorted(places)
    shuffled = list(places)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert topology.rank_order({node: places[node] for node in shuffled}) == order
    # Switches' names are hashes: they must not matter.
    assert topology.rank_order({node: [name[::-1] for name in path] for node, path in places.items()}) == order
    for depth in (1, 2):
        runs = [places[node][depth] for node in order]
        assert len([name for name, before in zip(runs, [None, *runs]) if name != before]) == len(set(runs))
