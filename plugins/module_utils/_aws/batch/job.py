# Private to awsome.training: its API may change without notice.
"""The definition of a multi-node parallel job: one container on each node, with all that the instance has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# One EFA interface is one verbs device (AWS Batch User Guide, "Tutorial: use EFA").
EFA_DEVICE = "/dev/infiniband/uverbs{}"
NEURON_DEVICE = "/dev/neuron{}"

# The system and ECS's agent need the rest; asked for all, a job never starts (Batch User Guide, "Memory management").
MEMORY_FRACTION = 0.9
# With each attempt all nodes start anew.
ATTEMPTS = 3

# Batch tells workers where the main node is, and the main node nothing, since it is there. The port is torchrun's own.
PRELUDE = """\
set -eu
export NNODES="$AWS_BATCH_JOB_NUM_NODES" NODE_RANK="$AWS_BATCH_JOB_NODE_INDEX" MASTER_PORT=29500
if [ "$AWS_BATCH_JOB_NODE_INDEX" = "$AWS_BATCH_JOB_MAIN_NODE_INDEX" ]; then
  MASTER_ADDR=$(hostname -i | cut -d ' ' -f 1)
else
  MASTER_ADDR=$AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS
fi
export MASTER_ADDR
"""


def log_group(asked: Mapping[str, Any]) -> str:
    return f"/aws/batch/{asked['name']}"


def definition(asked: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The resource AWS::Batch::JobDefinition. A job may be submitted with fewer nodes than it says."""
    return {
        "Type": "AWS::Batch::JobDefinition",
        "Properties": {
            "JobDefinitionName": asked["name"],
            "Type": "multinode",
            "PlatformCapabilities": ["EC2"],
            "PropagateTags": True,
            "RetryStrategy": {
                "Attempts": ATTEMPTS,
                # Another attempt is for a lost host (Batch User Guide, "Automated job retries"), not for a bad program.
                "EvaluateOnExit": [
                    {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
                    {"OnReason": "*", "Action": "EXIT"},
                ],
            },
            "Timeout": {"AttemptDurationSeconds": asked["job_hours"] * 3600},
            "NodeProperties": {
                "NumNodes": asked["nodes"],
                "MainNode": 0,
                "NodeRangeProperties": [{"TargetNodes": "0:", "Container": _container(asked, record)}],
            },
        },
    }


def _container(asked: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    accelerator = record["accelerator"] or {}
    memory = int(record["memory_mib"] * MEMORY_FRACTION)
    needs = [("VCPU", record["vcpus"]), ("MEMORY", memory)]
    if accelerator.get("kind") == "nvidia":
        needs.append(("GPU", accelerator["count"]))
    devices = [EFA_DEVICE.format(number) for number in range(record["efa_interfaces"])]
    if accelerator.get("kind") == "neuron":
        devices += [NEURON_DEVICE.format(number) for number in range(accelerator["count"])]
    container: dict[str, Any] = {
        "Image": asked["container_image"],
        "InstanceType": record["instance_type"],
        "Command": ["bash", "-c", PRELUDE + asked["job_script"]],
        "ResourceRequirements": [{"Type": kind, "Value": str(value)} for kind, value in needs],
        "Environment": [{"Name": key, "Value": str(value)} for key, value in sorted(asked["job_environment"].items())],
        "JobRoleArn": {"Fn::GetAtt": ["JobRole", "Arn"]},
        # RDMA needs memory that it may lock, and workers of a data loader share theirs.
        "Ulimits": [{"Name": "memlock", "SoftLimit": -1, "HardLimit": -1}],
        "LinuxParameters": {
            "SharedMemorySize": memory // 2,
            "Devices": [
                {"HostPath": path, "ContainerPath": path, "Permissions": ["READ", "WRITE"]} for path in devices
            ],
        },
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": {"Ref": "LogGroup"}}},
    }
    if asked["shared_dir"]:
        container["Volumes"] = [{"Name": "shared", "Host": {"SourcePath": asked["shared_dir"]}}]
        container["MountPoints"] = [{"SourceVolume": "shared", "ContainerPath": asked["shared_dir"], "ReadOnly": False}]
    return container
