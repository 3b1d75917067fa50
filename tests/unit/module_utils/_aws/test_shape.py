"""Requests are judged against botocore's own models, all faults at once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import shape

ROLE = "arn:aws:iam::123456789012:role/training"
GROUP = {
    "InstanceCount": 1,
    "InstanceGroupName": "worker",
    "InstanceType": "ml.p5.48xlarge",
    "ExecutionRole": ROLE,
}


def cluster(**group: Any) -> dict[str, Any]:
    return {"ClusterName": "train", "InstanceGroups": [{**GROUP, **group}]}


def test_a_good_request_has_no_fault() -> None:
    request = cluster(
        LifeCycleConfig={"SourceS3Uri": "s3://sagemaker-abc/boot", "OnCreate": "on_create.sh"},
        InstanceStorageConfigs=[{"EbsVolumeConfig": {"VolumeSizeInGB": 500}}],
    )
    assert shape.faults("sagemaker", "CreateCluster", {**request, "Tags": [{"Key": "équipe", "Value": "a b"}]}) == []


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        ({"InstanceCount": True}, "InstanceGroups[0].InstanceCount: True is a boolean, expected an integer."),
        ({"InstanceCount": -1}, "InstanceGroups[0].InstanceCount: -1 is too small, expected 0 or more."),
        ({"InstanceCount": 9000}, "InstanceGroups[0].InstanceCount: 9000 is too large, expected 6758 or less."),
        (
            {"InstanceType": "ml.p4de.24xlrge"},
            "InstanceGroups[0].InstanceType: 'ml.p4de.24xlrge' is not one of its values; did you mean ml.p4de.24xlarge"
            " or ml.p4d.24xlarge or",
        ),
        (
            {"ExecutionRole": "arn:aws:iam::12:role/short-account"},
            "InstanceGroups[0].ExecutionRole: 'arn:aws:iam::12:role/short-account' does not have the form arn:aws",
        ),
        (
            {"InstanceGroupName": "w" * 64},
            "InstanceGroups[0].InstanceGroupName: 64 characters are too many, expected 63 or fewer.",
        ),
        (
            {"LifecycleConfig": {}},
            "InstanceGroups[0].LifecycleConfig: is no key here; did you mean LifeCycleConfig?",
        ),
        (
            {"LifeCycleConfig": {"OnStart": "x"}},
            "InstanceGroups[0].LifeCycleConfig.OnStart: is no key here, expected one of SourceS3Uri, OnCreate,"
            " OnInitComplete.",
        ),
        (
            {"InstanceStorageConfigs": [{"EbsVolumeConfig": {}, "FsxOpenZfsConfig": {"DnsName": "fs-01234567.fsx.x"}}]},
            "InstanceGroups[0].InstanceStorageConfigs[0]: has EbsVolumeConfig, FsxOpenZfsConfig, expected exactly one"
            " of EbsVolumeConfig, FsxLustreConfig, FsxOpenZfsConfig.",
        ),
        (
            {"InstanceStorageConfigs": [{"FsxLustreConfig": {"DnsName": "fs-01234567.fsx.x"}}]},
            "InstanceGroups[0].InstanceStorageConfigs[0].FsxLustreConfig.MountName: is missing; it is required.",
        ),
        (
            {"OnStartDeepHealthChecks": ["InstanceStres"]},
            "InstanceGroups[0].OnStartDeepHealthChecks[0]: 'InstanceStres' is not one of its values, expected one of"
            " InstanceStress, InstanceConnectivity, MultiNodeTrainingValidation.",
        ),
        (
            {"OnStartDeepHealthChecks": []},
            "InstanceGroups[0].OnStartDeepHealthChecks: 0 items are too few, expected 1 or more.",
        ),
        (
            {"KubernetesConfig": {"Labels": {"-a": "b"}}},
            "InstanceGroups[0].KubernetesConfig.Labels (key '-a'): '-a' does not have the form",
        ),
        (
            {"ThreadsPerCore": None},
            "InstanceGroups[0].ThreadsPerCore: is null, expected an integer; leave the key out, or give it a value.",
        ),
        (
            {"OverrideVpcConfig": "subnet-1"},
            "InstanceGroups[0].OverrideVpcConfig: 'subnet-1' is a string, expected a dictionary.",
        ),
    ],
)
def test_each_fault_has_its_sentence(group: dict[str, Any], sentence: str) -> None:
    found = shape.faults("sagemaker", "CreateCluster", cluster(**group))
    assert len(found) == 1 and found[0].startswith(sentence), found


def test_all_faults_are_told_at_once() -> None:
    found = shape.faults(
        "sagemaker", "CreateCluster", {"InstanceGroups": [{"InstanceCount": "two"}], "NodeRecovery": 3}
    )
    assert found == [
        "ClusterName: is missing; it is required.",
        "InstanceGroups[0].InstanceGroupName: is missing; it is required.",
        "InstanceGroups[0].ExecutionRole: is missing; it is required.",
        "InstanceGroups[0].InstanceCount: 'two' is a string, expected an integer.",
        "NodeRecovery: 3 is an integer, expected a string.",
    ]


def test_java_classes_of_a_pattern_are_understood() -> None:
    found = shape.faults("sagemaker", "CreateCluster", {**cluster(), "Tags": [{"Key": "a#b", "Value": "ü"}]})
    assert len(found) == 1 and found[0].startswith("Tags[0].Key: 'a#b' does not have the form")


@pytest.mark.parametrize("service", ["batch", "ec2", "eks", "fsx", "rds", "s3", "iam", "sns"])
def test_the_patterns_of_the_services_in_use_can_be_read(service: str) -> None:
    model = shape._model(service)
    unread = []
    for name in model.shape_names:
        pattern = model.shape_for(name).metadata.get("pattern")
        if pattern and shape._compiled(pattern) is None:
            unread.append(name)
    # fsx's word for an answer only: a flag in the middle of a pattern.
    assert unread in ([], ["VerboseFlag"])


def test_keys_and_values_are_asked_of_the_model() -> None:
    assert shape.members("sagemaker", "UpdateClusterSoftware")[0] == "ClusterName"
    assert "SlurmConfig" in shape.members("sagemaker", "CreateCluster", "InstanceGroups")
    assert shape.values("sagemaker", "CreateCluster", "NodeRecovery") == ["Automatic", "None"]
    assert "ml.p5.48xlarge" in shape.values("sagemaker", "CreateCluster", "InstanceGroups", "InstanceType")


def test_an_operation_without_parameters_takes_none() -> None:
    assert shape.faults("sts", "GetCallerIdentity", {}) == []
    assert "Who: is no key here" in shape.faults("sts", "GetCallerIdentity", {"Who": 1})[0]
