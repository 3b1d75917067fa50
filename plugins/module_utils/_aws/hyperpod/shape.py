# Private to awsome.training: its API may change without notice.
"""HyperPod: a module's options as a request, a described group as the specification that would make it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import shape, words

# The options that are parameters of CreateCluster, in the API's own structure.
CLUSTER = (
    "instance_groups",
    "restricted_instance_groups",
    "restricted_instance_groups_config",
    "vpc_config",
    "orchestrator",
    "node_recovery",
    "tiered_storage_config",
    "node_provisioning_mode",
    "cluster_role",
    "auto_scaling",
)
# The module's other options.
OTHERS = (
    *("name", "state", "purge_instance_groups", "tags", "purge_tags", "software_update"),
    *("delete_nodes", "replace_nodes", "reboot_nodes", "wait", "wait_timeout", "poll_seconds", "progress_path"),
)
GROUPS = ("InstanceGroups", "RestrictedInstanceGroups")


def wanted(options: Mapping[str, Any]) -> dict[str, Any]:
    """The request of CreateCluster that a module's options say."""
    tags = [{"key": key, "value": value} for key, value in sorted((options.get("tags") or {}).items())]
    told = {key: options.get(key) for key in CLUSTER}
    return words.request("sagemaker", "CreateCluster", {"cluster_name": options["name"], **told, "tags": tags or None})


def faults(request: Mapping[str, Any], seen: Mapping[str, Any] | None = None) -> list[str]:
    """What the API's model has against a request, and what its documentation says and the model cannot.

    What a cluster that is there has already, a request may leave out.
    """
    there = seen is not None
    judged = words.faults("sagemaker", "CreateCluster", request)
    left_out = r"(restricted_)?instance_groups\[\d+\]\.(instance_count|instance_type|execution_role): is missing; .*"
    missing = [told for told in judged if re.fullmatch(left_out, told)]
    if len(judged) > len(missing):  # a request of another structure cannot be looked into
        return [told for told in judged if not there or told not in missing]
    whole = {**(seen or {}), **request}
    return [*([] if there else missing), *_cluster_faults(whole), *_group_faults(request, whole, there)]


def _cluster_faults(request: Mapping[str, Any]) -> Iterator[str]:
    orchestrator = request.get("Orchestrator")
    if orchestrator is not None and len(orchestrator) != 1:
        given = " and ".join(map(words.snake, orchestrator)) or "none"
        yield f"orchestrator: has {given}, expected either eks or slurm."
    slurm = (orchestrator or {}).get("Slurm", {})
    if "AccountingDatabase" in slurm and request.get("NodeProvisioningMode") != "Continuous":
        yield (
            "orchestrator.slurm.accounting_database: works with node_provisioning_mode Continuous only; set that, or "
            "leave the database to the nodes' own configuration."
        )
    if request.get("AutoScaling", {}).get("Mode") == "Enable" and "ClusterRole" not in request:
        yield "cluster_role: is missing; auto_scaling needs a role that may add and delete nodes."


def _group_faults(request: Mapping[str, Any], whole: Mapping[str, Any], there: bool) -> Iterator[str]:
    eks = "Eks" in whole.get("Orchestrator", {})
    named: dict[str, str] = {}
    for kind in GROUPS:
        for index, group in enumerate(request.get(kind, [])):
            path = f"{words.snake(kind)}[{index}]"
            name = group["InstanceGroupName"]
            if name in named:
                yield f"{path}.instance_group_name: {name!r} is the name of {named[name]} already; give it another."
            named.setdefault(name, path)
            typed = "InstanceType" in group, "InstanceRequirements" in group
            if all(typed) or not (any(typed) or there):
                given = "both" if all(typed) else "none"
                yield f"{path}: group {name} has {given} of instance_type and instance_requirements, expected one."
            yield from _one_group(path, group, eks)


def _one_group(path: str, group: Mapping[str, Any], eks: bool) -> Iterator[str]:
    name = group["InstanceGroupName"]
    if "InstanceCount" in group and group.get("MinInstanceCount", 0) > group["InstanceCount"]:
        yield (
            f"{path}.min_instance_count: {group['MinInstanceCount']} is more than instance_count, "
            f"{group['InstanceCount']}, of group {name}."
        )
    uri = group.get("LifeCycleConfig", {}).get("SourceS3Uri", "s3://sagemaker-")
    if not uri.startswith("s3://sagemaker-"):
        yield (
            f"{path}.life_cycle_config.source_s3_uri: {uri!r} does not start with s3://sagemaker-, as SageMaker wants; "
            f"use a bucket whose name does."
        )
    if eks and "SlurmConfig" in group:
        yield f"{path}.slurm_config: group {name} is one of a cluster on EKS; leave it out."
    if not eks and "KubernetesConfig" in group:
        yield f"{path}.kubernetes_config: group {name} is one of a Slurm cluster; leave it out."
    for position, storage in enumerate(group.get("InstanceStorageConfigs", [])):
        ebs = storage.get("EbsVolumeConfig")
        where = f"{path}.instance_storage_configs[{position}].ebs_volume_config"
        if ebs is None:
            continue
        if ebs.get("RootVolume") and ("VolumeSizeInGB" in ebs or "VolumeKmsKeyId" not in ebs):
            yield f"{where}: a root volume has a volume_kms_key_id and no volume_size_in_gb; its size is the service's."
        if not ebs.get("RootVolume") and "VolumeSizeInGB" not in ebs:
            yield f"{where}.volume_size_in_gb: is missing; a volume that is not the root volume needs it."


# Keys of a specification that a description has under another name.
_RENAMED = {"InstanceCount": "TargetCount", "MinInstanceCount": "MinCount"}


def specification(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """The specification that would make a group as DescribeCluster describes it."""
    found = {}
    for key in shape.members("sagemaker", "CreateCluster", kind):
        value = details.get(_RENAMED.get(key, key))
        if key in ("ImageId", "ImageReleaseVersion"):
            value = details.get(f"Desired{key}") or details.get(f"Current{key}")
        elif key == "InstanceRequirements" and value:
            value = {"InstanceTypes": value.get("DesiredInstanceTypes") or value.get("CurrentInstanceTypes") or []}
        elif key == "KubernetesConfig" and value:
            value = {one: value[f"Desired{one}"] for one in ("Labels", "Taints") if f"Desired{one}" in value}
        elif key == "AutoPatchConfig" and value:
            kept = {one: what for one, what in value.items() if not one.endswith("PatchSchedule")}
            schedule = value.get("DesiredPatchSchedule") or value.get("CurrentPatchSchedule")
            value = {**kept, **({"PatchSchedule": schedule} if schedule else {})}
        elif key == "EnvironmentConfig" and value:
            value = {one: what for one, what in value.items() if one != "S3OutputPath"}
        if value is not None:
            found[key] = value
    return found


def cluster_id(arn: str) -> str:
    return arn.rpartition("/")[2]


def log_group(seen: Mapping[str, Any]) -> str:
    """Where a cluster's nodes log what their lifecycle scripts say."""
    return f"/aws/sagemaker/Clusters/{seen['ClusterName']}/{cluster_id(seen['ClusterArn'])}"


def log_stream(group: str, instance: str) -> str:
    return f"LifecycleConfig/{group}/{instance}"


def ssm_target(arn: str, group: str, instance: str) -> str:
    return f"sagemaker-cluster:{cluster_id(arn)}_{group}-{instance}"


def progress(seen: Mapping[str, Any]) -> str:
    """One line on how far a cluster is."""
    groups = [
        f"{group['InstanceGroupName']} {group.get('CurrentCount', 0)}/{group.get('TargetCount', 0)}"
        + (f" {group['Status']}" if group.get("Status", "InService") != "InService" else "")
        + (f" software {group['SoftwareUpdateStatus']}" if _updating(group) else "")
        for group in groups_of(seen)
    ]
    return f"{seen['ClusterName']} {seen['ClusterStatus']}: {', '.join(groups) or 'no groups'}"


def _updating(group: Mapping[str, Any]) -> bool:
    return group.get("SoftwareUpdateStatus") in ("Pending", "InProgress", "RollbackInProgress")


def groups_of(seen: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [group for kind in GROUPS for group in seen.get(kind) or []]


def settled(seen: Mapping[str, Any] | None) -> bool:
    """Nothing goes on in a cluster. The counts matter, too: one that provisions continuously is always InService."""
    if seen is None or seen["ClusterStatus"] == "Failed":
        return True
    return seen["ClusterStatus"] == "InService" and all(
        group.get("CurrentCount", 0) == group.get("TargetCount", 0)
        and group.get("Status", "InService") in ("InService", "Failed", "Degraded")
        and not group.get("ActiveOperations")
        and not _updating(group)
        for group in groups_of(seen)
    )


def failure(seen: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]) -> str:
    """What went wrong with a cluster, and where to read on."""
    said = [f"cluster {seen['ClusterName']} is {seen['ClusterStatus']}: {_sentence(seen.get('FailureMessage'))}"]
    short = [
        f"{one['InstanceGroupName']} has {one.get('CurrentCount', 0)} of {one.get('TargetCount', 0)} nodes"
        for one in groups_of(seen)
        if one.get("CurrentCount", 0) < one.get("TargetCount", 0)
    ]
    if short:
        said.append(f"Group {', '.join(short)}.")
    bad = [node for node in nodes if node["InstanceStatus"]["Status"] not in ("Running", "Pending", "ShuttingDown")]
    for node in bad[:10]:
        told = node["InstanceStatus"].get("Message") or node["InstanceStatus"]["Status"]
        said.append(f"Node {node['InstanceId']} of {node['InstanceGroupName']}: {_sentence(told)}")
    said += [
        f"Event: {_sentence(one.get('Description'))}" for one in events if one.get("EventLevel") in ("Error", "Warn")
    ][:5]
    streams = [log_stream(node["InstanceGroupName"], node["InstanceId"]) for node in (bad or nodes)[:3]]
    said.append(
        f"Read CloudWatch's log group {log_group(seen)}, "
        f"stream{'s' if len(streams) > 1 else ''} {', '.join(streams) or log_stream('<group>', '<instance>')}."
    )
    return " ".join(said)


def _sentence(text: str | None) -> str:
    return (text or "the service gives no reason").rstrip(". \n") + "."
