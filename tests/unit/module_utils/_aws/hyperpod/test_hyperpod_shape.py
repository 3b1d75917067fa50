"""HyperPod's requests: goldens of whole clusters, and a sentence for each fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import shape as model
from ansible_collections.awsome.training.plugins.module_utils._aws import words
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import shape
from goldens import assert_golden

ROLE = "arn:aws:iam::123456789012:role/train-hyperpod"
BOOT = {"source_s3_uri": "s3://sagemaker-train/boot", "on_create": "on_create.sh"}
DNS = "fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com"
VPC = {"subnets": ["subnet-0123456789abcdef0"], "security_group_ids": ["sg-0123456789abcdef0"]}


def group(name: str, **more: Any) -> dict[str, Any]:
    plain = {"instance_type": "ml.c5.xlarge", "instance_count": 1, "execution_role": ROLE}
    return {"instance_group_name": name, **plain, **more}


SLURM: dict[str, Any] = {
    "name": "train",
    "orchestrator": {
        "slurm": {
            "slurm_config_strategy": "Managed",
            "accounting_database": {
                "endpoint": "slurm.cluster-c1.us-west-2.rds.amazonaws.com",
                "port": "3306",
                "secret_arn": "arn:aws:secretsmanager:us-west-2:123456789012:secret:slurm-AbCdEf",
            },
        }
    },
    "node_provisioning_mode": "Continuous",
    "node_recovery": "Automatic",
    "vpc_config": VPC,
    "tags": {"team": "research"},
    "instance_groups": [
        group("controller", slurm_config={"node_type": "Controller"}, life_cycle_config=BOOT),
        group("login", slurm_config={"node_type": "Login"}, life_cycle_config=BOOT, threads_per_core=None),
        group(
            "worker",
            instance_type="ml.p5.48xlarge",
            instance_count="16",
            min_instance_count=8,
            life_cycle_config={**BOOT, "on_init_complete": "on_init_complete.sh"},
            slurm_config={"node_type": "Compute", "partition_names": ["gpu"]},
            on_start_deep_health_checks=["InstanceStress", "InstanceConnectivity"],
            training_plan_arn="arn:aws:sagemaker:us-west-2:123456789012:training-plan/p5-plan",
            override_vpc_config=VPC,
            network_interface={"interface_type": "efa"},
            instance_storage_configs=[
                {"ebs_volume_config": {"volume_size_in_gb": 500, "root_volume": "no"}},
                {"fsx_lustre_config": {"dns_name": DNS, "mount_name": "abcdefgh", "mount_path": "/fsx"}},
                {"fsx_open_zfs_config": {"dns_name": DNS, "mount_path": "/home"}},
            ],
        ),
    ],
}
EKS: dict[str, Any] = {
    "name": "train-eks",
    "orchestrator": {"eks": {"cluster_arn": "arn:aws:eks:us-west-2:123456789012:cluster/train"}},
    "node_provisioning_mode": "Continuous",
    "node_recovery": "Automatic",
    "vpc_config": VPC,
    "auto_scaling": {"mode": "Enable", "auto_scaler_type": "Karpenter"},
    "cluster_role": "arn:aws:iam::123456789012:role/train-scaling",
    "tiered_storage_config": {"mode": "Enable", "instance_memory_allocation_percentage": 20},
    "instance_groups": [
        group(
            "worker",
            instance_type=None,
            instance_requirements={"instance_types": ["ml.p5.48xlarge", "ml.p5en.48xlarge"]},
            instance_count=4,
            life_cycle_config=BOOT,
            kubernetes_config={
                "labels": {"example.com/Pool": "gpu"},
                "taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}],
            },
            capacity_requirements={"on_demand": {}},
            image_release_version="1.2.3",
            scheduled_update_config={
                "schedule_expression": "cron(0 3 ? * SUN *)",
                "deployment_config": {
                    "rolling_update_policy": {"maximum_batch_size": {"type": "CAPACITY_PERCENTAGE", "value": 25}},
                    "wait_interval_in_seconds": 300,
                    "auto_rollback_configuration": [{"alarm_name": "gpu-errors"}],
                },
            },
        )
    ],
}


@pytest.mark.parametrize(("name", "options"), [("slurm", SLURM), ("eks", EKS)])
def test_whole_requests(name: str, options: dict[str, Any]) -> None:
    request = shape.wanted(options)
    assert shape.faults(request) == []
    assert_golden(f"hyperpod/{name}.json", json.dumps(request, indent=2) + "\n")


def test_the_apis_own_words_are_taken_too() -> None:
    own = {"name": "train", "instance_groups": [{"InstanceGroupName": "w", "InstanceCount": 1, "ExecutionRole": ROLE}]}
    request = shape.wanted(own)
    assert request["InstanceGroups"][0] == {"InstanceGroupName": "w", "InstanceCount": 1, "ExecutionRole": ROLE}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"instance_groups": [group("w", instance_cuont=1)]},
            "instance_groups[0].instance_cuont: is no key here; did you mean instance_count",
        ),
        (
            {"instance_groups": [group("w", life_cycle_config={"source_uri": "x"})]},
            "instance_groups[0].life_cycle_config.source_uri: is no key here, expected one of source_s3_uri, on_create,"
            " on_init_complete.",
        ),
        (
            {"instance_groups": [group("w", execution_role=None)]},
            "instance_groups[0].execution_role: is missing; it is",
        ),
        (
            {"instance_groups": [group("w"), group("w")]},
            "instance_groups[1].instance_group_name: 'w' is the name of instance_groups[0] already; give it another.",
        ),
        (
            {"instance_groups": [group("w", instance_type=None)]},
            "instance_groups[0]: group w has none of instance_type and instance_requirements, expected one.",
        ),
        (
            {"instance_groups": [group("w", instance_requirements={"instance_types": ["ml.p5.48xlarge"]})]},
            "instance_groups[0]: group w has both of instance_type and instance_requirements, expected one.",
        ),
        (
            {"instance_groups": [group("w", min_instance_count=3)]},
            "instance_groups[0].min_instance_count: 3 is more than instance_count, 1, of group w.",
        ),
        (
            {"instance_groups": [group("w", life_cycle_config={**BOOT, "source_s3_uri": "s3://mine/boot"})]},
            "instance_groups[0].life_cycle_config.source_s3_uri: 's3://mine/boot' does not start with s3://sagemaker-",
        ),
        (
            {"instance_groups": [group("w", kubernetes_config={"labels": {"a": "b"}})]},
            "instance_groups[0].kubernetes_config: group w is one of a Slurm cluster; leave it out.",
        ),
        (
            {
                "orchestrator": EKS["orchestrator"],
                "instance_groups": [group("w", slurm_config={"node_type": "Compute"})],
            },
            "instance_groups[0].slurm_config: group w is one of a cluster on EKS; leave it out.",
        ),
        (
            {"instance_groups": [group("w", instance_storage_configs=[{"ebs_volume_config": {"root_volume": True}}])]},
            "instance_groups[0].instance_storage_configs[0].ebs_volume_config: a root volume has a volume_kms_key_id",
        ),
        (
            {"instance_groups": [group("w", instance_storage_configs=[{"ebs_volume_config": {}}])]},
            "instance_groups[0].instance_storage_configs[0].ebs_volume_config.volume_size_in_gb: is missing; a volume",
        ),
        ({"orchestrator": {}}, "orchestrator: has none, expected either eks or slurm."),
        (
            {"orchestrator": {**EKS["orchestrator"], "slurm": {}}},
            "orchestrator: has eks and slurm, expected either eks or slurm.",
        ),
        (
            {"orchestrator": SLURM["orchestrator"]},
            "orchestrator.slurm.accounting_database: works with node_provisioning_mode Continuous only",
        ),
        ({"auto_scaling": {"mode": "Enable"}}, "cluster_role: is missing; auto_scaling needs a role"),
    ],
)
def test_each_fault_has_its_sentence(more: dict[str, Any], sentence: str) -> None:
    found = shape.faults(shape.wanted({"name": "train", "instance_groups": [group("w")], **more}))
    assert len(found) == 1 and found[0].startswith(sentence), found


def test_a_cluster_that_is_there_needs_only_what_changes() -> None:
    request = shape.wanted({"name": "train", "instance_groups": [{"instance_group_name": "w", "instance_count": 8}]})
    assert shape.faults(request, {"Orchestrator": {"Slurm": {}}}) == []
    assert len(shape.faults(request)) == 2
    labels = shape.wanted({"name": "train", "instance_groups": [group("w", kubernetes_config={"labels": {"a": "b"}})]})
    assert (
        shape.faults(labels, {"Orchestrator": {"Eks": {}}})
        == []
        != shape.faults(labels, {"Orchestrator": {"Slurm": {}}})
    )


@pytest.mark.parametrize("kind", shape.GROUPS)
def test_every_key_of_a_specification_is_found_in_a_description(kind: str) -> None:
    """What botocore's next model adds must be looked at."""
    described = set(model._inner(model.answered("sagemaker", "DescribeCluster").members[kind]).members)
    known = {*described, *shape._RENAMED, "ImageId", "ImageReleaseVersion"}
    assert set(model.members("sagemaker", "CreateCluster", kind)) <= known | {"InstanceCount"}
    assert set(shape._RENAMED.values()) <= described | {"MinCount"}


def test_a_description_becomes_the_specification_that_made_it() -> None:
    described = {
        "InstanceGroupName": "w",
        "CurrentCount": 1,
        "TargetCount": 4,
        "MinCount": 2,
        "Status": "InService",
        "ExecutionRole": ROLE,
        "InstanceRequirements": {"CurrentInstanceTypes": ["ml.c5.large"], "DesiredInstanceTypes": ["ml.c5.xlarge"]},
        "CurrentImageId": "ami-01234567",
        "KubernetesConfig": {"CurrentLabels": {"a": "b"}, "DesiredLabels": {"a": "c"}},
        "AutoPatchConfig": {"PatchingStrategy": "WhenIdle", "CurrentPatchSchedule": {"NextPatchDate": 1}},
    }
    assert shape.specification("InstanceGroups", described) == {
        "InstanceGroupName": "w",
        "InstanceCount": 4,
        "MinInstanceCount": 2,
        "ExecutionRole": ROLE,
        "InstanceRequirements": {"InstanceTypes": ["ml.c5.xlarge"]},
        "ImageId": "ami-01234567",
        "KubernetesConfig": {"Labels": {"a": "c"}},
        "AutoPatchConfig": {"PatchingStrategy": "WhenIdle", "PatchSchedule": {"NextPatchDate": 1}},
    }


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("SourceS3Uri", "source_s3_uri"),
        ("VolumeSizeInGB", "volume_size_in_gb"),
        ("FsxOpenZfsConfig", "fsx_open_zfs_config"),
        ("FSxLustreConfig", "fsx_lustre_config"),
        ("EksRoleAccessEntries", "eks_role_access_entries"),
    ],
)
def test_words(key: str, word: str) -> None:
    assert words.snake(key) == word


def test_no_two_keys_of_a_structure_have_the_same_word() -> None:
    keys = model.members("sagemaker", "CreateCluster", "InstanceGroups")
    assert len({words.snake(key) for key in keys}) == len(keys)


def test_a_failure_says_what_is_known_and_where_to_read_on() -> None:
    seen = {
        "ClusterName": "train",
        "ClusterArn": "arn:aws:sagemaker:us-west-2:123456789012:cluster/abcdef012345",
        "ClusterStatus": "Failed",
        "FailureMessage": "Instance i-0aa failed to provision",
        "InstanceGroups": [{"InstanceGroupName": "worker", "CurrentCount": 1, "TargetCount": 4}],
    }
    nodes = [
        {
            "InstanceGroupName": "worker",
            "InstanceId": "i-0aa",
            "InstanceStatus": {"Status": "Failure", "Message": "exit 1"},
        },
        {"InstanceGroupName": "worker", "InstanceId": "i-0bb", "InstanceStatus": {"Status": "Running"}},
    ]
    assert shape.failure(seen, nodes, [{"EventLevel": "Error", "Description": "no capacity."}]) == (
        "cluster train is Failed: Instance i-0aa failed to provision. Group worker has 1 of 4 nodes. Node i-0aa of"
        " worker: exit 1. Event: no capacity. Read CloudWatch's log group /aws/sagemaker/Clusters/train/abcdef012345,"
        " stream LifecycleConfig/worker/i-0aa."
    )
