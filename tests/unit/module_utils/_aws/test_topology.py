"""From EC2's network nodes to Slurm's switches, whatever EC2 leaves out."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws.topology import api
from ansible_collections.awsome.training.plugins.module_utils._aws.topology.places import places
from ansible_collections.awsome.training.plugins.module_utils._slurm import topology
from botocore.exceptions import ClientError
from goldens import assert_golden
from hypothesis import given
from hypothesis import strategies as st


def answer(number: int, *nodes: str, block: str = "") -> dict[str, Any]:
    told = {"InstanceId": f"i-{number:017x}", "NetworkNodes": list(nodes)}
    return {**told, "CapacityBlockId": block} if block else told


def instances(count: int) -> dict[str, str]:
    return {f"gpu-{number}": f"i-{number:017x}" for number in range(count)}


def test_a_hosts_switches_are_its_network_nodes_from_the_top() -> None:
    found = places(instances(2), [answer(0, "nn-1", "nn-2", "nn-4"), answer(1, "nn-1", "nn-3", "nn-5")])
    assert found.switches == {"gpu-0": ["nn-1", "nn-2", "nn-4"], "gpu-1": ["nn-1", "nn-3", "nn-5"]}
    assert (found.status, found.notes, found.blocks) == ("pass", [], {})


def test_several_trees_are_joined_since_a_job_cannot_span_two() -> None:
    found = places(instances(2), [answer(0, "nn-1", "nn-2"), answer(1, "nn-8", "nn-9")])
    assert found.switches == {"gpu-0": ["cluster", "nn-1", "nn-2"], "gpu-1": ["cluster", "nn-8", "nn-9"]}


@pytest.mark.parametrize("nothing", [[], [{"InstanceId": f"i-{0:017x}"}], [answer(0)], [answer(0, "")]])
def test_no_answer_is_not_checked_and_flat(nothing: list[dict[str, Any]]) -> None:
    found = places(instances(2), nothing)
    assert (found.switches, found.blocks, found.status) == ({}, {}, "not-checked")
    assert found.order == ["gpu-0", "gpu-1"]
    assert found.notes == [
        "EC2 tells the place of none of 2 hosts, so the topology is not checked and left flat; it tells that of "
        "running instances of some types only (EC2's guide: instance topology, prerequisites)."
    ]
    assert topology.choose("", found.switches, found.blocks) is None


def test_hosts_without_a_place_hang_on_a_leaf_of_their_own() -> None:
    found = places(instances(3), [answer(0, "nn-1", "nn-2")])
    assert found.switches["gpu-0"] == ["cluster", "nn-1", "nn-2"]
    assert found.switches["gpu-1"] == found.switches["gpu-2"] == ["cluster", "unplaced"]
    assert found.notes == [
        "EC2 does not tell the place of gpu-[1-2]; these hosts hang on a switch of their own, 'unplaced'. "
        "Ask again when their instances run."
    ]


def test_a_layer_that_ec2_tells_of_some_types_only_is_filled_in() -> None:
    found = places(instances(2), [answer(0, "nn-0", "nn-1", "nn-2"), answer(1, "nn-1", "nn-3")])
    assert found.switches["gpu-1"] == ["nn-0", "nn-1", "nn-3"]


def test_a_switch_has_nodes_or_switches() -> None:
    found = places(instances(2), [answer(0, "nn-1", "nn-2"), answer(1, "nn-1", "nn-2", "nn-3")])
    assert found.switches["gpu-0"] == ["nn-1", "nn-2", "nn-2-nodes"]
    topology.tree(found.switches)


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (
            ["a", "x"],
            ["b", "x"],
            "EC2 puts the network node x below both a and b, expected a tree, so the topology is not",
        ),
        (["a", "b"], ["b", "a"], "EC2 puts the network node b below itself, expected a tree"),
        (["a", "a"], ["a"], "EC2 puts the network node a below itself, expected a tree"),
    ],
)
def test_what_is_no_tree_is_flat(one: list[str], other: list[str], sentence: str) -> None:
    found = places(instances(2), [answer(0, *one), answer(1, *other)])
    assert found.switches == {} and found.status == "not-checked"
    assert found.notes[0].startswith(sentence)


def test_an_ultraserver_is_a_block() -> None:
    found = places(instances(4), [answer(number, "nn-1", block=f"cb-{number // 2}") for number in range(4)])
    assert found.blocks == {"gpu-0": "cb-0", "gpu-1": "cb-0", "gpu-2": "cb-1", "gpu-3": "cb-1"}


def test_the_other_hosts_are_a_block_if_they_are_enough() -> None:
    told = [answer(0, "nn-1", block="cb-0"), answer(1, "nn-1", block="cb-0")]
    assert places(instances(4), told).blocks["gpu-3"] == "unplaced"
    few = places(instances(3), told)
    assert few.blocks == {} and few.switches
    assert few.notes[-1] == (
        "gpu-2 is in no UltraServer, and too few for a block beside one of 2, so no host gets a block; "
        "the switches stand."
    )


def test_there_may_be_no_host() -> None:
    assert places({}, []).status == "not-checked"


NETWORK_NODE = st.sampled_from("abcde")


@given(
    st.lists(st.tuples(st.lists(NETWORK_NODE, max_size=4), st.sampled_from(["", "u1", "u2"])), min_size=1, max_size=12)
)
def test_whatever_ec2_says_slurm_can_load_it(said: list[tuple[list[str], str]]) -> None:
    """Also nonsense: each host is on one leaf of one tree, or there is no file; and the ranks are all hosts."""
    hosts = instances(len(said))
    found = places(hosts, [answer(number, *nodes, block=block) for number, (nodes, block) in enumerate(said)])
    assert sorted(found.order) == sorted(hosts)
    if found.switches:
        assert set(found.switches) == set(hosts)
        topology.tree(found.switches)
        assert len({path[0] for path in found.switches.values()}) == 1
    if found.blocks:
        assert set(found.blocks) == set(hosts)
        topology.block(found.blocks, found.switches)
    assert found.status == "pass" or found.notes


def fabric(count: int, domain: int = 0) -> list[dict[str, Any]]:
    """An imagined network: 32 instances below a bottom node, four of these below the next, which hang on one top."""
    tops = ["nn-0123456789abcdef0" if number < 256 else "nn-0fedcba9876543210" for number in range(count)]
    return [
        answer(
            number,
            tops[number],
            f"nn-1{number // 128:016x}",
            f"nn-2{number // 32:016x}",
            block=f"cb-{number // domain:017x}" if domain else "",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("size", [1, 8, 64, 512])
def test_the_files_of_a_cluster(size: int) -> None:
    found = places(instances(size), fabric(size))
    assert_golden(f"topology/nodes-{size}/tree.conf", "\n".join(topology.tree(found.switches)) + "\n")
    assert_golden(f"topology/nodes-{size}/order.txt", "\n".join(found.order) + "\n")
    ultra = places(instances(size), fabric(size, domain=18))
    assert_golden(f"topology/nodes-{size}/block.conf", "\n".join(topology.block(ultra.blocks, ultra.switches)) + "\n")


# --- EC2


class Ec2:
    """Answers as EC2 does: at most a hundred ids, and nothing at all where it does not know one of them."""

    def __init__(self, known: set[str]) -> None:
        self.known, self.calls = known, 0

    def describe_instance_topology(self, aws_retry: bool, InstanceIds: list[str]) -> dict[str, Any]:
        self.calls += 1
        assert aws_retry and len(InstanceIds) <= 100
        missing = [one for one in InstanceIds if one not in self.known]
        if missing:
            said = f"The instance IDs '{', '.join(missing)}' do not exist"
            raise ClientError({"Error": {"Code": "InvalidInstanceID.NotFound", "Message": said}}, "x")
        return {"Instances": [{"InstanceId": one} for one in InstanceIds]}


def test_many_instances_are_asked_for_a_hundred_at_a_time() -> None:
    ids = list(instances(250).values())
    client = Ec2(set(ids))
    found, unknown = api.describe(client, ids)
    assert (len(found), unknown, client.calls) == (250, [], 3)


def test_an_instance_that_ec2_does_not_know_costs_only_itself() -> None:
    ids = list(instances(3).values())
    found, unknown = api.describe(Ec2(set(ids[:2])), ids)
    assert ([one["InstanceId"] for one in found], unknown) == (ids[:2], ids[2:])


def test_another_error_is_not_swallowed() -> None:
    class Refusing:
        def describe_instance_topology(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "i-1"}}, "x")

    with pytest.raises(ClientError):
        api.describe(Refusing(), ["i-1"])


def test_our_words_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("ec2")
    assert {"InstanceId", "NetworkNodes", "CapacityBlockId"} <= set(model.shape_for("InstanceTopology").members)
    asked = model.operation_model("DescribeInstanceTopology").input_shape.members
    assert f"Maximum {api.IDS_AT_ONCE} explicitly specified instance IDs" in asked["InstanceIds"].documentation
