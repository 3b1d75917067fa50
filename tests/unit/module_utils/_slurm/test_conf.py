"""slurm.conf and its companions."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._slurm import conf
from ansible_collections.awsome.training.plugins.module_utils._slurm.conf import Cluster, ConfError, Node
from ansible_collections.awsome.training.plugins.module_utils._slurm.hardware import Gres
from ansible_collections.awsome.training.plugins.module_utils._slurm.topology import tree

GPU = (Gres("gpu", "h100", 8, "/dev/nvidia"),)
CPUS = (("CPUs", 2),)


def test_a_users_key_wins_whatever_its_case_and_null_drops_one() -> None:
    assert conf.merge({"MpiDefault": "none", "SlurmdTimeout": 1}, {"mpidefault": "pmix", "slurmdtimeout": None}) == {
        "MpiDefault": "pmix"
    }


def test_values_are_written_as_slurm_reads_them() -> None:
    lines = conf.setting_lines(
        {"A": ["x", "y"], "B": True, "C": None, "DownNodes": [{"DownNodes": "n1", "Reason": "no fan"}]}, "slurm.conf"
    )
    assert lines == ["A=x,y", "B=YES", 'DownNodes=n1 Reason="no fan"']


@pytest.mark.parametrize("value", ["a\nNodeName=evil", "a # b", {"deep": 1}])
def test_a_value_that_would_break_the_file_is_named(value: object) -> None:
    with pytest.raises(ConfError, match=r"slurm\.conf: MpiDefault"):
        conf.setting_lines({"MpiDefault": value}, "slurm.conf")


def test_equal_nodes_share_a_line_and_others_do_not() -> None:
    nodes = [Node("n1", CPUS), Node("n2", CPUS), Node("n3", (("CPUs", 4),)), Node("n4", CPUS, address="10.0.0.4")]
    assert conf.node_lines(nodes) == [
        "NodeName=n[1-2] CPUs=2",
        "NodeName=n3 CPUs=4",
        "NodeName=n4 NodeAddr=10.0.0.4 CPUs=2",
    ]


def test_names_and_addresses_of_a_line_stay_parallel() -> None:
    nodes = [Node(f"n{i}", CPUS, address=f"10.0.0.{20 - i}") for i in (1, 2, 3)]
    assert conf.node_lines(nodes) == ["NodeName=n[1-3] NodeAddr=10.0.0.[19,18,17] CPUs=2"]


def test_gres_need_types_devices_and_accounts() -> None:
    cluster = Cluster({"AccountingStorageType": "accounting_storage/slurmdbd"}, (Node("g1", CPUS, GPU),))
    files = conf.render_files(cluster)
    assert "GresTypes=gpu\nAccountingStorageTRES=gres/gpu\n" in str(files["slurm.conf"])
    assert "NodeName=g1 Name=gpu Type=h100 File=/dev/nvidia[0-7]\n" in str(files["gres.conf"])
    pretending = conf.render_files(Cluster({}, (Node("g1", CPUS, GPU),), gres_devices=False))
    assert "NodeName=g1 Name=gpu Type=h100 Count=8\n" in str(pretending["gres.conf"])


def test_files_that_a_cluster_must_not_have_are_none() -> None:
    files = conf.render_files(Cluster({}, (Node("n1", CPUS),)))
    assert files["gres.conf"] is None and files["topology.conf"] is None
    assert list(files)[-1] == "slurm.conf"


def test_groups_are_partitions_and_the_first_is_the_default() -> None:
    assert conf.partition_lines(conf.partitions_of({"b": ["n2", "n1"], "a": ["m1"]}, {"a": {"MaxTime": "1:00"}})) == [
        "PartitionName=b Nodes=n[1-2] State=UP Default=YES",
        "PartitionName=a Nodes=m1 State=UP MaxTime=1:00",
    ]


def test_a_partition_can_be_dropped_added_and_be_the_default() -> None:
    over = {"b": None, "all": {"Nodes": "ALL", "Default": True}}
    assert conf.partitions_of({"b": ["n1"], "a": ["m1"]}, over) == {
        "a": {"Nodes": "m1", "State": "UP"},
        "all": {"State": "UP", "Nodes": "ALL", "Default": True},
    }


def test_a_misspelt_partition_is_named() -> None:
    with pytest.raises(ConfError, match=r"slurm_partitions: 'gpus' is no group below 'compute' \(cpu, gpu\)"):
        conf.partitions_of({"gpu": ["n1"], "cpu": ["n2"]}, {"gpus": {"MaxTime": "1:00"}})


def test_a_tree_lists_switches_before_leaves() -> None:
    assert tree({"n1": ["core", "a"], "n2": ["core", "b"], "n3": ["core", "a"]}) == [
        "SwitchName=core Switches=a,b",
        "SwitchName=a Nodes=n[1,3]",
        "SwitchName=b Nodes=n2",
    ]


@pytest.mark.parametrize(
    ("places", "fault"),
    [
        ({"n1": []}, "n1 has no slurm_node_switches"),
        ({"n1": ["a", "x"], "n2": ["b", "x"]}, "x hangs below both a and b"),
        ({"n1": ["a"], "n2": ["a", "x"]}, "a has both nodes and switches"),
    ],
)
def test_a_tree_that_is_none_is_named(places: dict[str, list[str]], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        tree(places)
