"""A real slurmctld reads the trees that are made of EC2's answers, and understands them as we do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws.topology.places import places
from ansible_collections.awsome.training.plugins.module_utils._slurm import conf
from lab.harness import Lab
from lab.private_slurmctld import files_of, rows, slurmctld

pytestmark = pytest.mark.lab


def placed(count: int, unplaced: int = 0, domain: int = 0) -> list[conf.Node]:
    """Nodes as playbooks/topology.yml gives them to role slurm: EC2's names, several trees, nodes without a place."""
    instances = {f"gpu-{number}": f"i-{number:017x}" for number in range(count + unplaced)}
    answers = [
        {
            "InstanceId": f"i-{number:017x}",
            "NetworkNodes": [
                f"nn-0fedcba98765432{number // 256:02x}",
                f"nn-1{number // 128:016x}",
                f"nn-2{number // 32:016x}",
            ],
            "CapacityBlockId": f"cb-{number // domain:017x}" if domain else None,
        }
        for number in range(count)
    ]
    found = places(instances, answers)
    return [
        conf.Node(host, switches=tuple(found.switches.get(host, ())), block=found.blocks.get(host, ""))
        for host in instances
    ]


def assert_same(host: Any, nodes: list[conf.Node], kind: str) -> dict[str, dict[str, list[str]]]:
    """slurmctld shows each switch or block that is written, with what is below it; gives what it shows."""
    files = files_of(nodes)
    written = rows(files["topology.conf"], kind)
    with slurmctld(host, files) as said:
        shown = rows(said, kind)
    assert set(shown) == set(written)
    for name, row in written.items():
        assert {key: shown[name][key] for key in row} == row
    return shown


@pytest.mark.parametrize(("count", "unplaced"), [(1, 0), (8, 0), (64, 3), (512, 0)])
def test_slurmctld_loads_the_tree(lab: Lab, count: int, unplaced: int) -> None:
    shown = assert_same(lab.host("controller"), placed(count, unplaced), "SwitchName")
    # Below one switch there are all nodes, so a job may span any of them.
    assert max(len(row["Nodes"]) for row in shown.values()) == count + unplaced


def test_slurmctld_loads_switches_of_unequal_depth(lab: Lab) -> None:
    paths = {"n1": ["a", "b", "c"], "n2": ["a", "d"], "n3": ["a", "d"]}
    nodes = [conf.Node(name, switches=tuple(path)) for name, path in paths.items()]
    assert len(assert_same(lab.host("controller"), nodes, "SwitchName")["a"]["Nodes"]) == 3


def test_nodes_without_a_place_leave_slurm_flat(lab: Lab) -> None:
    files = files_of([conf.Node("n1"), conf.Node("n2")])
    assert "topology.conf" not in files and "TopologyPlugin" not in files["slurm.conf"]
    with slurmctld(lab.host("controller"), files, asking="sinfo --noheader --format=%D") as said:
        assert said.strip() == "2"
