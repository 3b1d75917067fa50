"""Every fault of provisioning_parameters.json, of the request that it goes with, and of the bundle, at once."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import shape as model
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import provisioning, shape

ROLE = "arn:aws:iam::123456789012:role/train-hyperpod"
DNS = "fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com"
BOOT = {"source_s3_uri": "s3://sagemaker-train/boot", "on_create": "on_create.sh"}
FILES = {"on_create.sh", "provisioning_parameters.json", "bundle.tar.gz", "bundle.tar.gz.sha256", "boot/__main__.py"}
HEADS = {
    "slurm_database_secret_arn": "arn:aws:secretsmanager:us-west-2:123456789012:secret:slurm-AbCdEf",
    "slurm_database_endpoint": "slurm.cluster-c1.us-west-2.rds.amazonaws.com",
    "slurm_shared_directory": "/fsx",
    "slurm_database_user": "slurm",
}
GOOD: dict[str, Any] = {
    "version": "1.0.0",
    "workload_manager": "slurm",
    "controller_group": "controller",
    "login_group": "login",
    "worker_groups": [{"instance_group_name": "worker", "partition_name": "gpu"}],
    "fsx_dns_name": DNS,
    "fsx_mountname": "abcdefgh",
    "fsx_openzfs_dns_name": DNS,
}


def request(**counts: int) -> dict[str, Any]:
    groups = [
        {
            "instance_group_name": name,
            "instance_count": counts.get(name, 1),
            "instance_type": "ml.c5.xlarge",
            "execution_role": ROLE,
            "life_cycle_config": BOOT,
            "slurm_config": {"node_type": kind},
        }
        for name, kind in (("controller", "Controller"), ("login", "Login"), ("worker", "Compute"))
    ]
    vpc = {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}
    return shape.wanted({"name": "train", "instance_groups": groups, "vpc_config": vpc})


def faults(change: dict[str, Any] | None = None, asked: Any = None, files: Any = FILES) -> list[str]:
    told = {key: value for key, value in {**GOOD, **(change or {})}.items() if value != "left out"}
    return provisioning.faults(json.dumps(told), asked or request(), files, "p.json")


def test_a_good_cluster_has_no_fault() -> None:
    assert faults() == []
    assert faults({"slurm_configurations": HEADS}, request(controller=2)) == []
    assert provisioning.faults(None, request(), {"on_create.sh"}) == []
    assert provisioning.faults(json.dumps(GOOD)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"controler_group": "x"}, "p.json: controler_group is no key of this file; did you mean controller_group?"),
        ({"Version": "1.0.0"}, "p.json: Version is no key of this file; did you mean version?"),
        ({"xyz": 1}, "p.json: xyz is no key of this file; the keys are version, workload_manager, controller_group,"),
        ({"version": "left out"}, "p.json: version is missing; it is required."),
        ({"version": "2"}, "p.json: version is '2', expected '1.0.0'."),
        ({"version": 1}, "p.json: version is the number 1, expected text."),
        ({"workload_manager": "eks"}, "p.json: workload_manager is 'eks', expected 'slurm'."),
        ({"fsx_mountname": "left out"}, "p.json: fsx_mountname is missing; fsx_dns_name cannot be mounted without it."),
        ({"fsx_dns_name": "left out"}, "p.json: fsx_dns_name is missing; fsx_mountname says nothing without it."),
        (
            {"fsx_dns_name": "fs-1"},
            "p.json: fsx_dns_name is 'fs-1', expected the DNS name of a file system, such as fs-0",
        ),
        ({"fsx_mountname": "/abcdefgh"}, "p.json: fsx_mountname is '/abcdefgh', expected the mount name of the Lustre"),
        ({"fsx_openzfs_dns_name": "home"}, "p.json: fsx_openzfs_dns_name is 'home', expected the DNS name of a file"),
        ({"fsx_openzfs_dns_name": ""}, "p.json: fsx_openzfs_dns_name is empty; give it a value, or leave the key out."),
        (
            {"login_group": "Login"},
            "p.json: login_group is 'Login', but the request has 'login': names differ by case; write the same name",
        ),
        (
            {"worker_groups": [*GOOD["worker_groups"], {"instance_group_name": "gpus", "partition_name": "b"}]},
            "p.json: worker_groups[1].instance_group_name is 'gpus', but the request has the groups controller, login,"
            " worker; write the same name in both.",
        ),
        (
            {"worker_groups": GOOD["worker_groups"] * 2},
            "p.json: worker_groups[1].instance_group_name is 'worker', which is worker_groups[0].instance_group_name"
            " already; a group has one role.",
        ),
        (
            {"login_group": "left out"},
            "p.json: group 'login' of the request is neither controller_group, login_group nor one of worker_groups, so"
            " its nodes would not know what they are;",
        ),
        (
            {"worker_groups": [{"instance_group_name": "worker", "partition_name": "gpu_1"}]},
            "p.json: worker_groups[0].partition_name is 'gpu_1', expected letters, digits and single hyphens.",
        ),
        (
            {"worker_groups": [{"instance_group_name": "worker"}]},
            "p.json: worker_groups[0].partition_name is missing; it is required.",
        ),
        (
            {"worker_groups": [{**GOOD["worker_groups"][0], "partition": "gpu"}]},
            "p.json: worker_groups[0].partition is no key of this file; did you mean partition_name?",
        ),
        (
            {"slurm_configurations": {**HEADS, "slurm_database_endpoint": "db:3306"}},
            "p.json: slurm_configurations.slurm_database_endpoint is 'db:3306', expected a host name without a port.",
        ),
        (
            {"slurm_configurations": {**HEADS, "slurm_database_secret_arn": "secret"}},
            "p.json: slurm_configurations.slurm_database_secret_arn is 'secret', expected the ARN of a secret.",
        ),
        (
            {"slurm_configurations": {**HEADS, "slurm_sns_arn": "topic"}},
            "p.json: slurm_configurations.slurm_sns_arn is 'topic', expected the ARN of an SNS topic.",
        ),
        (
            {"slurm_configurations": {**HEADS, "slurm_shared_directory": "fsx"}},
            "p.json: slurm_configurations.slurm_shared_directory is 'fsx', expected an absolute path",
        ),
        (
            {"slurm_configurations": {key: HEADS[key] for key in list(HEADS)[:3]}},
            "p.json: slurm_configurations.slurm_database_user is missing; it is required.",
        ),
        (
            {"slurm_configurations": HEADS, "fsx_dns_name": "left out", "fsx_mountname": "left out"},
            "p.json: fsx_dns_name is missing; slurm_configurations puts the controllers' state on a shared file",
        ),
    ],
)
def test_each_fault_has_its_sentence(change: dict[str, Any], sentence: str) -> None:
    found = faults(change)
    assert len(found) == 1 and found[0].startswith(sentence), found


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            '{"version": "1.0.0",\n  "login_group" "x"}',
            ["p.json: is no JSON: Expecting ':' delimiter in line 2, column 17."],
        ),
        ("[]", ["p.json: holds a list, expected an object with version, workload_manager,"]),
        ('{"version": "1.0.0", "version": "1.0.0"}', ["p.json: version stands 2 times in one object; keep one."]),
        ("{}", [f"p.json: {key} is missing; it is required." for key in provisioning.REQUIRED]),
    ],
)
def test_what_is_no_such_file_at_all(text: str, sentences: list[str]) -> None:
    found = provisioning.faults(text, path="p.json")
    for sentence in sentences:
        assert any(one.startswith(sentence) for one in found), found


def test_two_controllers_need_a_database() -> None:
    (found,) = faults(asked=request(controller=2))
    assert found.startswith(
        "p.json: slurm_configurations is missing, but 'controller' has 2 instances; two controllers need"
    )
    (found,) = faults(asked=request(controller=0))
    assert found.startswith("p.json: controller_group is 'controller', which has 0 instances in the request;")


def test_a_request_that_cannot_boot() -> None:
    asked = request()
    asked["InstanceGroups"][2].update(InstanceGroupName="LOGIN", SlurmConfig={"NodeType": "Login"}, LifeCycleConfig={})
    workers = [{"instance_group_name": "LOGIN", "partition_name": "gpu"}]
    assert [one.split(";")[0] for one in faults({"worker_groups": workers}, asked)] == [
        "instance_groups: login and LOGIN differ by case only, which people mix up",
        "instance_groups[2].life_cycle_config: group LOGIN has no on_create and no on_init_complete",
        "p.json: worker_groups[0].instance_group_name is 'LOGIN', whose slurm_config says node_type Login, expected"
        " Compute",
    ]


def test_partitions_are_the_same_in_both() -> None:
    asked = request()
    asked["InstanceGroups"][2]["SlurmConfig"]["PartitionNames"] = ["cpu"]
    assert faults(asked=asked) == ["p.json: group 'worker' has the partition 'gpu' here, and cpu in its slurm_config."]


def test_file_systems_need_a_vpc() -> None:
    asked = request()
    del asked["VpcConfig"]
    (found,) = faults(asked=asked)
    assert found.startswith(
        "p.json: fsx_dns_name is in your VPC, but the request has no vpc_config, so no node reaches it;"
    )


def test_eks_has_no_such_file() -> None:
    asked = {**request(), "Orchestrator": {"Eks": {"ClusterArn": "arn:aws:eks:us-west-2:123456789012:cluster/x"}}}
    for group in asked["InstanceGroups"]:
        del group["SlurmConfig"]
    (found,) = faults(asked=asked)
    assert found.startswith("orchestrator: is eks, but there is a provisioning_parameters.json, which is for Slurm;")


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (
            "on_create.sh",
            "the bundle has no on_create.sh, which groups controller, login, worker run; it has boot, bundle",
        ),
        ("provisioning_parameters.json", "the bundle has no provisioning_parameters.json, which its nodes read;"),
        ("bundle.tar.gz", "the bundle has no bundle.tar.gz, which its nodes read; make it anew by role node_boot."),
    ],
)
def test_a_bundle_that_lacks_a_file(missing: str, sentence: str) -> None:
    (found,) = faults(files=FILES - {missing})
    assert found.startswith(sentence)


def test_an_archive_without_its_checksum() -> None:
    found = faults(files={"on_create.sh", "provisioning_parameters.json", "bundle.tar.gz"})
    assert found == [
        "the bundle has bundle.tar.gz and no bundle.tar.gz.sha256, so no node takes it; make it anew by role node_boot."
    ]


def test_all_faults_of_all_three_are_told_at_once() -> None:
    asked = copy.deepcopy(request(controller=2))
    asked["InstanceGroups"][2]["InstanceType"] = "ml.p99.48xlarge"
    asked["NodeRecovery"] = "auto"
    found = faults(
        {"versoin": "1", "fsx_mountname": "left out", "login_group": "logins"}, asked, FILES - {"on_create.sh"}
    )
    for part in (
        "'ml.p99.48xlarge'",
        "'auto'",
        "versoin",
        "fsx_mountname",
        "'logins'",
        "on_create.sh",
        "2 instances",
        "'login'",
    ):
        assert any(part in one for one in found), (part, found)
    assert len(found) == 8


def test_forms_are_those_of_the_service() -> None:
    members = model._inner(model.asked("sagemaker", "CreateCluster").members["InstanceGroups"]).members
    lustre = model._inner(members["InstanceStorageConfigs"]).members["FsxLustreConfig"].members
    partition = model._inner(members["SlurmConfig"].members["PartitionNames"])
    slurm = model.asked("sagemaker", "CreateCluster").members["Orchestrator"].members["Slurm"].members
    secret = slurm["AccountingDatabase"].members["SecretArn"]
    shapes = (lustre["DnsName"], lustre["MountName"], partition, secret)
    forms = (provisioning.DNS, provisioning.MOUNT, provisioning.PARTITION, provisioning.SECRET)
    assert tuple(one.metadata["pattern"] for one in shapes) == forms
