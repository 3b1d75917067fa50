"""What the adapter makes of a HyperPod node's files, and each fault of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from boot.adapters import Nothing, look
from boot.faults import BootError, InputError
from boot.plan import Plan, inventory, steps
from unit.boot.metadata import GROUPS, PARAMETERS, HyperPod, resource


def plan_of(node: HyperPod) -> Plan:
    found = look("hyperpod", node.around())
    assert isinstance(found, Plan)
    return found


def faults_of(node: HyperPod) -> list[str]:
    with pytest.raises(InputError) as refused:
        look("hyperpod", node.around())
    return refused.value.faults


def test_a_compute_node_knows_itself_and_the_others(hyperpod: HyperPod) -> None:
    plan = plan_of(hyperpod)
    assert (plan.this.function, plan.this.partition, plan.profile) == ("compute", "dev", "hyperpod_compute")
    assert [node.name for node in plan.nodes] == ["ip-10-1-0-10", "ip-10-1-0-20", "ip-10-1-0-101", "ip-10-1-0-102"]
    assert plan.cluster == "demo"
    assert [wait.target.rpartition("/")[2] for wait in plan.waits] == ["munge.key"]


def test_only_the_controller_waits_for_slurm_conf(hyperpod: HyperPod) -> None:
    hyperpod.addresses = ("10.1.0.10",)
    hyperpod.environment["SLURM_CONF"] = "/opt/other/etc/slurm.conf"
    plan = plan_of(hyperpod)
    assert plan.waits[-1].target == str(hyperpod.root / "opt/other/etc/slurm.conf")
    assert plan.variables["slurm_prefix"] == "/opt/other"


def test_the_inventory_reaches_nobody_but_this_node(hyperpod: HyperPod) -> None:
    user = {"variables": {"slurm_config": {"MaxArraySize": 5}}, "groups": {"compute": {"slurm_memory_fraction": 0.9}}}
    read = inventory(plan_of(hyperpod), user, frozenset(["ml.p5.48xlarge"]))["all"]
    assert read["vars"]["slurm_config"] == {"MaxArraySize": 5} and read["vars"]["slurm_extends_service_config"]
    compute = read["children"]["compute"]
    assert compute["vars"] == {"node_profile": "hyperpod_compute", "slurm_memory_fraction": 0.9}
    hosts = compute["children"]["dev"]["hosts"]
    assert hosts["ip-10-1-0-101"]["ansible_connection"] == "local"
    assert "ansible_connection" not in hosts["ip-10-1-0-102"] and hosts["ip-10-1-0-102"]["ansible_port"] == 1
    assert hosts["ip-10-1-0-102"]["instance_type"] == "ml.p5.48xlarge"
    assert read["children"]["controller"]["hosts"]["ip-10-1-0-10"]["slurm_node_address"] == "10.1.0.10"


def test_an_instance_type_that_nobody_knows_is_left_out(hyperpod: HyperPod) -> None:
    read = inventory(plan_of(hyperpod), {}, frozenset())["all"]["children"]["compute"]["children"]["dev"]["hosts"]
    assert "instance_type" not in read["ip-10-1-0-101"]


def test_file_systems_become_mounts_and_names_to_wait_for(hyperpod: HyperPod) -> None:

    hyperpod.parameters(
        {
            **PARAMETERS,
            "fsx_dns_name": "fs-1.fsx.example",
            "fsx_mountname": "abcd",
            "fsx_openzfs_dns_name": "fs-2.fsx.example",
        }
    )
    plan = plan_of(hyperpod)
    assert [mount["source"] for mount in plan.variables["lustre_mounts"]] == [
        "fs-1.fsx.example@tcp:/abcd",
        "fs-2.fsx.example:/fsx",
    ]
    assert [wait.target for wait in plan.waits if wait.kind == "name"] == ["fs-1.fsx.example", "fs-2.fsx.example"]
    assert plan.variables["users_home_root"] == "/home"
    assert plan.variables["users_host_keys_directory"] == "/home/.awsome/host_keys"


def test_without_a_file_system_every_node_has_its_own_homes(hyperpod: HyperPod) -> None:
    assert plan_of(hyperpod).variables["users_home_shared"] is False


def test_two_heads_share_state_and_an_external_database(hyperpod: HyperPod) -> None:

    hyperpod.write(
        "opt/ml/config/resource_config.json", resource({**GROUPS, "controller-machine": ["10.1.0.10", "10.1.0.11"]})
    )
    assert faults_of(hyperpod)[0].endswith(
        "slurm_configurations is missing, expected an object, because controller-machine has 2 instances, "
        "which share their state."
    )
    heads = {
        "slurm_database_secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db",
        "slurm_database_endpoint": "db.example",
        "slurm_shared_directory": "/fsx",
        "slurm_database_user": "clusteradmin",
    }
    hyperpod.parameters({**PARAMETERS, "slurm_configurations": heads})
    plan = plan_of(hyperpod)
    assert plan.variables["slurm_heads_directory"] == "/fsx/awsome/slurm/Demo"
    assert plan.variables["slurm_accounting_database_secret"] == heads["slurm_database_secret_arn"]
    assert sum(node.function == "controller" for node in plan.nodes) == 2


def test_no_file_is_no_cluster_unless_it_was_named(hyperpod: HyperPod) -> None:
    (hyperpod.root / "opt/ml/config/resource_config.json").unlink()
    found = look("hyperpod", hyperpod.around())
    assert isinstance(found, Nothing) and "nothing is done" in found.why
    hyperpod.environment["SAGEMAKER_RESOURCE_CONFIG_PATH"] = "/elsewhere.json"
    with pytest.raises(
        BootError, match=r"SAGEMAKER_RESOURCE_CONFIG_PATH is '/elsewhere.json', and there is no such file"
    ) as refused:
        look("hyperpod", hyperpod.around())
    assert refused.value.code == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": "2"}, "version is '2', expected '1.0.0'."),
        ({"workload_manager": "eks"}, "workload_manager is 'eks', expected 'slurm'."),
        ({"controller_group": None}, "controller_group is missing, expected the name of an instance group."),
        (
            {"controller_group": "head"},
            "controller_group is 'head', expected one of the cluster's groups "
            "(controller-machine, my-login-group, worker-group-1).",
        ),
        (
            {"login_group": "controller-machine"},
            "controller_group is 'controller-machine', expected a group that has one function only.",
        ),
        ({"worker_groups": {}}, "worker_groups is '{}', expected a list."),
        (
            {"worker_groups": [{"instance_group_name": "worker-group-1"}]},
            "worker_groups[0].partition_name is missing, expected a name.",
        ),
        (
            {"fsx_dns_name": "fs-1.fsx.example"},
            "fsx_mountname is missing, expected both of fsx_dns_name and fsx_mountname, or neither.",
        ),
        ({"fsx_dns_nam": "x"}, "fsx_dns_nam is no key of this file; did you mean 'fsx_dns_name'?"),
        (
            {"slurm_configurations": {"slurm_shared_directory": "fsx"}},
            "slurm_configurations.slurm_shared_directory is 'fsx', expected an absolute path.",
        ),
    ],
)
def test_each_fault_of_the_parameters_is_a_sentence(hyperpod: HyperPod, change: dict[str, Any], sentence: str) -> None:

    hyperpod.parameters({key: value for key, value in {**PARAMETERS, **change}.items() if value is not None})
    assert f"{hyperpod.bundle}/provisioning_parameters.json: {sentence}" in faults_of(hyperpod)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("{", "is not JSON"),
        ([], "the file is '[]', expected an object."),
        (
            {
                "ClusterConfig": {"ClusterName": "a"},
                "InstanceGroups": [{"Name": "a", "Instances": [{"CustomerIpAddress": "x"}]}],
            },
            "CustomerIpAddress is 'x', expected an IP address.",
        ),
        (
            {"ClusterConfig": {"ClusterName": "a"}, "InstanceGroups": [{"Instances": []}]},
            "InstanceGroups[0].Name is missing, expected the group's name.",
        ),
        ({"ClusterConfig": "a", "InstanceGroups": []}, "ClusterConfig is 'a', expected an object."),
        (
            {"ClusterConfig": {}, "InstanceGroups": []},
            "ClusterConfig.ClusterName is missing, expected the cluster's name.",
        ),
    ],
)
def test_each_fault_of_the_services_file_is_a_sentence(hyperpod: HyperPod, data: Any, sentence: str) -> None:
    hyperpod.write("opt/ml/config/resource_config.json", data if isinstance(data, str) else json.dumps(data))
    assert any(sentence in fault for fault in faults_of(hyperpod)), faults_of(hyperpod)


def test_faults_of_both_files_come_together(hyperpod: HyperPod) -> None:
    hyperpod.write("opt/ml/config/resource_config.json", "{")
    hyperpod.parameters("nonsense")
    assert len(faults_of(hyperpod)) == 2


def test_one_address_twice_is_a_fault(hyperpod: HyperPod) -> None:

    hyperpod.write("opt/ml/config/resource_config.json", resource({"controller-machine": ["10.1.0.10", "10.1.0.10"]}))
    assert any(
        "expected an address of its own, not that of InstanceGroups[0].Instances[0]" in one
        for one in faults_of(hyperpod)
    )


def test_an_address_in_no_group_is_told_with_the_groups(hyperpod: HyperPod) -> None:
    hyperpod.addresses = ("10.9.9.9", "fd00::9")
    with pytest.raises(
        BootError, match=r"addresses 10.9.9.9, fd00::9, .* lists none of them \(controller-machine: 10.1.0.10; "
    ):
        look("hyperpod", hyperpod.around())


def test_a_group_without_a_function_is_told(hyperpod: HyperPod) -> None:

    hyperpod.write("opt/ml/config/resource_config.json", resource({**GROUPS, "spare": ["10.1.0.200"]}))
    hyperpod.addresses = ("10.1.0.200",)
    with pytest.raises(BootError, match=r"is in the instance group 'spare', which .* gives no function"):
        look("hyperpod", hyperpod.around())


def test_an_image_is_not_installed_again() -> None:
    assert steps(["munge", "slurm", "motd"], baked=["munge", "slurm"]) == [
        "install motd",
        "configure munge",
        "configure slurm",
        "configure motd",
    ]
