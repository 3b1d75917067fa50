# Private to awsome.training: its API may change without notice.
"""HyperPod: what role hyperpod's options say, as provisioning_parameters.json and as options of the module. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Of role hyperpod, not of the API: what a node of the group is, and its partition.
OWN = ("node_type", "partition")
TYPES = ("controller", "login", "compute")


class RenderError(ValueError):
    """Groups that make no cluster; a line for each reason."""


def parameters(groups: Iterable[Mapping[str, Any]], shared: Mapping[str, Any]) -> dict[str, Any]:
    """provisioning_parameters.json. `shared`: lustre {dns_name, mount_name}, openzfs_dns_name, database."""
    named: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in TYPES}
    faults = []
    for index, group in enumerate(groups):
        name, kind = group.get("instance_group_name"), group.get("node_type")
        if not name:
            faults.append(f"hyperpod_groups[{index}] has no instance_group_name.")
        elif kind not in TYPES:
            faults.append(
                f"hyperpod_groups[{index}] ({name}) has the node_type {kind!r}, expected one of {', '.join(TYPES)}."
            )
        else:
            named[kind].append(group)
    for kind, most in (("controller", 1), ("login", 1)):
        if len(named[kind]) > most:
            names = " and ".join(group["instance_group_name"] for group in named[kind])
            faults.append(f"hyperpod_groups: {names} are {kind} groups, expected one; give one group more instances.")
    for kind in ("controller", "compute"):
        if not named[kind] and not faults:
            faults.append(f"hyperpod_groups has no group of node_type {kind}; a Slurm cluster needs one.")
    if faults:
        raise RenderError("\n".join(faults))
    told: dict[str, Any] = {"version": "1.0.0", "workload_manager": "slurm"}
    for kind in ("controller", "login"):
        if named[kind]:
            told[f"{kind}_group"] = named[kind][0]["instance_group_name"]
    told["worker_groups"] = [
        {"instance_group_name": group["instance_group_name"], "partition_name": partition(group)}
        for group in named["compute"]
    ]
    return {**told, **_shared(shared)}


def partition(group: Mapping[str, Any]) -> str:
    return str(group.get("partition") or group["instance_group_name"])


def _shared(shared: Mapping[str, Any]) -> dict[str, Any]:
    lustre, database = shared.get("lustre") or {}, shared.get("database") or {}
    told = {
        "fsx_dns_name": lustre.get("dns_name"),
        "fsx_mountname": lustre.get("mount_name"),
        "fsx_openzfs_dns_name": shared.get("openzfs_dns_name"),
    }
    if database.get("endpoint"):
        told["slurm_configurations"] = {
            key: value
            for key, value in {
                "slurm_database_secret_arn": database.get("secret_arn"),
                "slurm_database_endpoint": database["endpoint"],
                "slurm_shared_directory": database.get("shared_directory") or "/fsx",
                "slurm_database_user": database.get("user") or "slurm",
                "slurm_sns_arn": database.get("sns_arn"),
            }.items()
            if value
        }
    return {key: value for key, value in told.items() if value}


def cluster(groups: Iterable[Mapping[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Options of module hyperpod_cluster.

    `asked`: name, role_arn, source_s3_uri, hook, subnet_ids, security_group_ids, eks_cluster_arn or
    slurm_config_strategy, and options that are laid over the result.
    """
    strategy = asked.get("slurm_config_strategy")
    life = {"source_s3_uri": asked["source_s3_uri"], asked["hook"]: f"{asked['hook']}.sh"}
    made = []
    for group in groups:
        own: dict[str, Any] = {"execution_role": asked["role_arn"], "life_cycle_config": life}
        if strategy and not asked.get("eks_cluster_arn") and group.get("node_type"):
            names = {"partition_names": [partition(group)]} if group["node_type"] == "compute" else {}
            own["slurm_config"] = {"node_type": group["node_type"].title(), **names}
        made.append({**own, **{key: value for key, value in group.items() if key not in OWN}})
    told: dict[str, Any] = {"name": asked["name"], "instance_groups": made}
    if asked.get("subnet_ids"):
        told["vpc_config"] = {"subnets": asked["subnet_ids"], "security_group_ids": asked["security_group_ids"]}
    if asked.get("eks_cluster_arn"):
        told["orchestrator"] = {"eks": {"cluster_arn": asked["eks_cluster_arn"]}}
    elif strategy:
        told["orchestrator"] = {"slurm": {"slurm_config_strategy": strategy}}
    return {**told, **(asked.get("options") or {})}
