# Private to awsome.training: its API may change without notice.
"""The CloudFormation template of a queue for multi-node parallel jobs on one instance type. Pure.

The template is rendered and not a file, since the instance type decides how many interfaces and devices it lists.
Facts about AWS Batch are from its API reference unless a line says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.batch import job
from ansible_collections.awsome.training.plugins.module_utils._aws.interfaces import interfaces

IMAGE_TYPES = {"nvidia": "ECS_AL2023_NVIDIA", "neuron": "ECS_AL2023", None: "ECS_AL2023"}
# Batch has no image type for Neuron, so the image is named: ECS Developer Guide, "Retrieving Amazon ECS-optimized
# Linux AMI metadata". That it holds a driver for the newest devices is unverified.
NEURON_IMAGE = "{{resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/inf/recommended/image_id}}"


def render(asked: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A template for the options of role batch, by name without `batch_`; `record` is the catalogue's row of a type."""
    resources = {
        **_roles(asked),
        "LaunchTemplate": _launch_template(asked, record),
        "ComputeEnvironment": _compute_environment(asked, record),
        "JobQueue": _job_queue(asked),
    }
    outputs = {
        "JobQueue": _ref("JobQueue"),
        "ComputeEnvironment": _ref("ComputeEnvironment"),
        "JobRole": _arn("JobRole"),
    }
    if asked["placement_group"]:
        resources["PlacementGroup"] = {"Type": "AWS::EC2::PlacementGroup", "Properties": {"Strategy": "cluster"}}
    if asked["repository"]:
        resources["Repository"] = _repository(asked)
        outputs["Repository"] = {"Fn::GetAtt": ["Repository", "RepositoryUri"]}
    if asked["container_image"]:
        resources["LogGroup"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": job.log_group(asked), "RetentionInDays": 90},
            "Metadata": _checkov(
                "CKV_AWS_158", "CloudWatch encrypts logs by a key of its own; training logs need no other."
            ),
        }
        resources["JobDefinition"] = job.definition(asked, record)
        outputs["JobDefinition"] = _ref("JobDefinition")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"A queue for multi-node parallel jobs on {record['instance_type']}.",
        "Resources": resources,
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }


def _roles(asked: Mapping[str, Any]) -> dict[str, Any]:
    # The instance's needs are the ECS agent's; the policy is AWS's own for that.
    agent = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"}
    return {
        "InstanceRole": _role("ec2", [agent, *asked["instance_policies"]]),
        "InstanceProfile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [_ref("InstanceRole")]}},
        "JobRole": _role("ecs-tasks", list(asked["job_policies"])),
    }


def _role(service: str, policies: list[Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "ManagedPolicyArns": policies}}


def _launch_template(asked: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    volume = {"VolumeSize": asked["volume_gib"], "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
    data: dict[str, Any] = {
        "NetworkInterfaces": interfaces(record, asked["security_group_ids"]),
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": volume}],
        # A container is one hop further away.
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": asked["name"]}]}],
    }
    if asked["placement_group"]:
        data["Placement"] = {"GroupName": _ref("PlacementGroup")}
    if asked["capacity"] != "on_demand":
        target = {"CapacityReservationId": asked["capacity_reservation_id"]}
        data["CapacityReservationSpecification"] = {"CapacityReservationTarget": target}
    if asked["capacity"] == "capacity_block":
        data["InstanceMarketOptions"] = {"MarketType": "capacity-block"}
    if asked["user_data"]:
        data["UserData"] = {"Fn::Base64": _mime(asked["user_data"])}
    return {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}


def _mime(script: str) -> str:
    """Batch adds a part of its own, so user data must be MIME multipart (Batch User Guide, launch templates)."""
    boundary = "==BOUNDARY=="
    lines = ["MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{boundary}"', "", f"--{boundary}"]
    lines += ['Content-Type: text/x-shellscript; charset="utf-8"', "", script.rstrip("\n"), "", f"--{boundary}--", ""]
    return "\n".join(lines)


def _compute_environment(asked: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    kind = (record["accelerator"] or {}).get("kind")
    image = asked["image_id"] or (NEURON_IMAGE if kind == "neuron" else None)
    resources: dict[str, Any] = {
        "Type": "EC2",
        "AllocationStrategy": "BEST_FIT_PROGRESSIVE",
        "InstanceTypes": [record["instance_type"]],
        "MinvCpus": 0,
        "MaxvCpus": asked["nodes"] * record["vcpus"],
        "Subnets": asked["subnet_ids"],
        "InstanceRole": _arn("InstanceProfile"),
        "Ec2Configuration": [{"ImageType": IMAGE_TYPES[kind], **({"ImageIdOverride": image} if image else {})}],
        "LaunchTemplate": {
            "LaunchTemplateId": _ref("LaunchTemplate"),
            "Version": {"Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]},
        },
        "UpdateToLatestImageVersion": True,
    }
    return {
        "Type": "AWS::Batch::ComputeEnvironment",
        "Properties": {
            "Type": "MANAGED",
            "State": "ENABLED",
            # Changed in place, so that the queue keeps it; running jobs end first.
            "ReplaceComputeEnvironment": False,
            "UpdatePolicy": {"TerminateJobsOnUpdate": False, "JobExecutionTimeoutMinutes": 30},
            "ComputeResources": resources,
        },
    }


def _job_queue(asked: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "JobQueueName": asked["name"],
        "Priority": 1,
        "State": "ENABLED",
        "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": _ref("ComputeEnvironment")}],
    }
    if asked["runnable_minutes"]:
        # A multi-node job holds back all that stand behind it: one that finds no capacity gives way. The reasons are
        # Batch's own words (Batch User Guide, "Jobs stuck in a RUNNABLE status").
        properties["JobStateTimeLimitActions"] = [
            {
                "Action": "CANCEL",
                "State": "RUNNABLE",
                "MaxTimeSeconds": asked["runnable_minutes"] * 60,
                "Reason": reason,
            }
            for reason in ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
        ]
    return {"Type": "AWS::Batch::JobQueue", "Properties": properties}


def _repository(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::ECR::Repository",
        # What was pushed by hand is not thrown away with the queue.
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Metadata": _checkov("CKV_AWS_136", "ECR encrypts by a key of its own; a container image needs no other."),
        "Properties": {
            "RepositoryName": asked["name"],
            "ImageTagMutability": "IMMUTABLE",
            "ImageScanningConfiguration": {"ScanOnPush": True},
        },
    }


def _checkov(check: str, why: str) -> dict[str, Any]:
    return {"checkov": {"skip": [{"id": check, "comment": why}]}}


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def _arn(name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, "Arn"]}
