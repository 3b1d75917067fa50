# Private to awsome.training: its API may change without notice.
"""Our options and the catalogue -> a cluster configuration of ParallelCluster: pure.

What an instance type implies (EFA, threads, scratch disks, health checks) comes from its record, never from the user.
`faults` in `rules.py` says first whether the options hold; ParallelCluster's own schema judges what is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

Row = dict[str, Any]
Record = Callable[[str], Row]

SCRIPTS = {"OnNodeStart": "on_node_start.sh", "OnNodeConfigured": "on_node_configured.sh"}
# An update of the cluster is told to the head node and to the login nodes, not to queues, whose nodes it replaces.
UPDATED = {"OnNodeUpdated": "on_node_configured.sh"}
CAPACITY_TYPES = {"on_demand": "ONDEMAND", "spot": "SPOT", "capacity_block": "CAPACITY_BLOCK"}
# Of a storage: its word in the configuration, where its settings stand, and the key of its id.
STORAGE = {
    "lustre": ("FsxLustre", "FsxLustreSettings", "FileSystemId"),
    "openzfs": ("FsxOpenZfs", "FsxOpenZfsSettings", "VolumeId"),
    "ontap": ("FsxOntap", "FsxOntapSettings", "VolumeId"),
    "efs": ("Efs", "EfsSettings", "FileSystemId"),
    "file_cache": ("FileCache", "FileCacheSettings", "FileCacheId"),
    "ebs": ("Ebs", "EbsSettings", "VolumeId"),
}


def configuration(options: Mapping[str, Any], record: Record) -> Row:
    """The cluster configuration. `record` gives the catalogue's row of an instance type."""
    pools = options.get("login_pools") or []
    rendered = {
        "Region": options["region"],
        "Image": _kept({"Os": options["image"]["os"], "CustomAmi": options["image"].get("ami")}),
        "Imds": {"ImdsSupport": "v2.0"},
        "HeadNode": _head_node(options, record),
        "LoginNodes": {"Pools": [_pool(one, options) for one in pools]} if pools else None,
        "Scheduling": {
            "Scheduler": "slurm",
            "ScalingStrategy": _slurm(options).get("scaling_strategy") or "all-or-nothing",
            "SlurmSettings": _slurm_settings(options),
            "SlurmQueues": [_queue(one, options, record) for one in options["queues"]],
        },
        "SharedStorage": [_storage(one) for one in options.get("shared_storage") or []] or None,
        "Monitoring": _monitoring(options.get("monitoring") or {}),
        "Tags": _tags(options.get("tags")),
    }
    return merged(_kept(rendered), options.get("config") or {})


def merged(base: Row, over: Mapping[str, Any]) -> Row:
    """`over` laid over `base`: dictionaries key by key, all else whole; a key that is null is dropped."""
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def types_of(node: Mapping[str, Any]) -> list[str]:
    return list(node.get("instance_types") or []) or [node["instance_type"]]


def name_of(node: Mapping[str, Any]) -> str:
    """A compute resource is called after its first type, unless it says otherwise."""
    return str(node.get("name") or types_of(node)[0].replace(".", "-"))


def efa_of(node: Mapping[str, Any], several_subnets: bool, record: Record) -> bool:
    """EFA wherever all types have it, since it costs nothing; never across availability zones."""
    if node.get("efa") is not None:
        return bool(node["efa"])
    return not several_subnets and all(record(one)["efa_interfaces"] for one in types_of(node))


def subnets_of(queue: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Its own, or the first of the cluster's: nodes that train together stand in one zone."""
    return list(queue.get("subnet_ids") or (options.get("subnet_ids") or [])[:1])


def target_of(reservation: str | None) -> Row | None:
    if not reservation:
        return None
    key = "CapacityReservationId" if reservation.startswith("cr-") else "CapacityReservationResourceGroupArn"
    return {key: reservation}


def grouped(queue: Mapping[str, Any], node: Mapping[str, Any], efa: bool, several_subnets: bool) -> bool:
    """Whether ParallelCluster makes a placement group. A reservation has its own place, so none is laid over it."""
    reserved = queue.get("capacity_reservation") or node.get("capacity_reservation")
    if queue.get("capacity_type") == "capacity_block" or reserved or several_subnets:
        return False
    return efa


def _head_node(options: Mapping[str, Any], record: Record) -> Row:
    head = options["head_node"]
    rendered = {
        "InstanceType": head["instance_type"],
        "Networking": _networking(options, SubnetId=head.get("subnet_id") or (options.get("subnet_ids") or [None])[0]),
        "Ssh": _kept({"KeyName": head.get("key_name"), "AllowedIps": head.get("allowed_ips")}) or None,
        "LocalStorage": {"RootVolume": _root_volume(head.get("root_volume_gib"))},
        "Imds": {"Secured": True},
        "Iam": _iam(options, objects=True),
        "CustomActions": _actions(options, {**SCRIPTS, **UPDATED}),
    }
    return merged(_kept(rendered), head.get("config") or {})


def _pool(pool: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
    subnet = pool.get("subnet_id") or (options.get("subnet_ids") or [None])[0]
    rendered = {
        "Name": pool["name"],
        "InstanceType": pool["instance_type"],
        "Count": pool.get("count", 1),
        "GracetimePeriod": pool.get("grace_minutes"),
        "Image": {"CustomAmi": pool["ami"]} if pool.get("ami") else None,
        "Networking": _networking(options, SubnetIds=[subnet]),
        "Ssh": {"AllowedIps": pool["allowed_ips"]} if pool.get("allowed_ips") else None,
        "Iam": _iam(options, objects=False),
        "CustomActions": _actions(options, {**SCRIPTS, **UPDATED}),
    }
    return merged(_kept(rendered), pool.get("config") or {})


def _queue(queue: Mapping[str, Any], options: Mapping[str, Any], record: Record) -> Row:
    subnets = subnets_of(queue, options)
    nodes = queue["nodes"]
    local = any(record(one)["local_nvme"] for node in nodes for one in types_of(node))
    group = queue.get("placement_group")
    rendered = {
        "Name": queue["name"],
        "CapacityType": CAPACITY_TYPES[queue.get("capacity_type") or "on_demand"],
        "AllocationStrategy": queue.get("allocation_strategy"),
        "CapacityReservationTarget": target_of(queue.get("capacity_reservation")),
        "Networking": _networking(
            options,
            SubnetIds=subnets,
            AssignPublicIp=queue.get("public_ip"),
            PlacementGroup={"Enabled": True, "Name": group} if isinstance(group, str) else None,
        ),
        "ComputeSettings": {
            "LocalStorage": _kept(
                {
                    "RootVolume": _root_volume(queue.get("root_volume_gib")),
                    "EphemeralVolume": {"MountDir": queue.get("scratch_dir") or "/scratch"} if local else None,
                }
            )
        },
        "Image": {"CustomAmi": queue["ami"]} if queue.get("ami") else None,
        "Iam": _iam(options, objects=True),
        "CustomActions": _actions(options, SCRIPTS),
        "JobExclusiveAllocation": queue.get("exclusive"),
        "CustomSlurmSettings": queue.get("slurm_settings") or None,
        "ComputeResources": [_node(one, queue, len(subnets) > 1, record) for one in nodes],
    }
    return merged(_kept(rendered), queue.get("config") or {})


def _node(node: Mapping[str, Any], queue: Mapping[str, Any], several_subnets: bool, record: Record) -> Row:
    types = types_of(node)
    rows = [record(one) for one in types]
    efa = efa_of(node, several_subnets, record)
    group = queue.get("placement_group")
    rendered = {
        "Name": name_of(node),
        "InstanceType": None if node.get("instance_types") else types[0],
        "Instances": [{"InstanceType": one} for one in types] if node.get("instance_types") else None,
        "MinCount": node.get("min", 0),
        "MaxCount": node.get("max", 10),
        "DisableSimultaneousMultithreading": True if _one_thread(node, rows) else None,
        "Efa": {"Enabled": efa} if any(row["efa_interfaces"] for row in rows) else None,
        "CapacityReservationTarget": target_of(node.get("capacity_reservation")),
        # Always said where there is EFA: ParallelCluster wants the choice to be explicit.
        "Networking": None
        if isinstance(group, str)
        else _placement(grouped(queue, node, efa, several_subnets) if group is None else bool(group), efa),
        "HealthChecks": {"Gpu": {"Enabled": True}} if _whole_gpus(rows) else None,
        "CustomSlurmSettings": {**_sockets(node, rows), **(node.get("slurm_settings") or {})} or None,
    }
    return merged(_kept(rendered), node.get("config") or {})


def _placement(enabled: bool, efa: bool) -> Row | None:
    return {"PlacementGroup": {"Enabled": enabled}} if enabled or efa else None


def _one_thread(node: Mapping[str, Any], rows: Iterable[Row]) -> bool:
    return not node.get("multithreading") and any(row["threads"] > 1 for row in rows)


def _whole_gpus(rows: Iterable[Row]) -> bool:
    """ParallelCluster checks GPUs before each job by DCGM, which knows NVIDIA's whole ones."""
    chips = [row["accelerator"] for row in rows]
    return all(chip and chip["kind"] == "nvidia" and chip["fraction"] == 1 for chip in chips)


def _sockets(node: Mapping[str, Any], rows: list[Row]) -> Row:
    """Where tasks are bound by socket, Slurm must know sockets; ParallelCluster tells it a number of CPUs only."""
    if len(rows) != 1 or {"sockets", "cores"} & set(rows[0]["unverified"]):
        return {}
    threads = 1 if _one_thread(node, rows) else rows[0]["threads"]
    return {"Sockets": rows[0]["sockets"], "CoresPerSocket": rows[0]["cores"], "ThreadsPerCore": threads}


def _networking(options: Mapping[str, Any], **more: Any) -> Row:
    return _kept({**more, "AdditionalSecurityGroups": list(options.get("security_group_ids") or []) or None})


def _root_volume(gib: int | None) -> Row:
    return _kept({"Size": gib, "VolumeType": "gp3", "Encrypted": True})


def _iam(options: Mapping[str, Any], objects: bool) -> Row | None:
    """Reads what is below the bundle's prefix and no more. Login nodes have no S3Access; a policy lets them."""
    bucket, _, prefix = str(options.get("bundle_uri") or "").removeprefix("s3://").rstrip("/").partition("/")
    policies = [{"Policy": one} for one in options.get("policies") or []]
    access = [{"BucketName": bucket, "KeyName": f"{prefix}/*"}] if bucket and objects else None
    return _kept({"S3Access": access, "AdditionalIamPolicies": policies or None}) or None


def _actions(options: Mapping[str, Any], scripts: Mapping[str, str]) -> Row | None:
    uri = str(options.get("bundle_uri") or "").rstrip("/")
    return {event: {"Script": f"{uri}/{name}", "Args": [uri]} for event, name in scripts.items()} if uri else None


def _slurm(options: Mapping[str, Any]) -> Mapping[str, Any]:
    return options.get("slurm") or {}


def _slurm_settings(options: Mapping[str, Any]) -> Row:
    slurm, database = _slurm(options), options.get("accounting") or {}
    settings = slurm.get("settings") or {}
    return _kept(
        {
            "ScaledownIdletime": slurm.get("idle_minutes"),
            "QueueUpdateStrategy": slurm.get("queue_update_strategy"),
            "EnableMemoryBasedScheduling": slurm.get("memory_based_scheduling"),
            "CustomSlurmSettings": [{key: value} for key, value in settings.items()] or None,
            "Database": _kept(
                {
                    "Uri": f"{database['endpoint']}:{database.get('port') or 3306}",
                    "UserName": database.get("user") or "slurm",
                    "PasswordSecretArn": database.get("secret_arn"),
                    "DatabaseName": database.get("database"),
                }
            )
            if database.get("endpoint")
            else None,
        }
    )


def _storage(storage: Mapping[str, Any]) -> Row:
    kind, section, key = STORAGE[storage["type"]]
    settings = {key: storage["id"], **(storage.get("settings") or {})} if storage.get("id") else storage.get("settings")
    name = storage.get("name") or storage["mount_dir"].strip("/").replace("/", "-")
    return _kept({"Name": name, "StorageType": kind, "MountDir": storage["mount_dir"], section: settings or None})


def _monitoring(monitoring: Mapping[str, Any]) -> Row:
    logs = _kept({"Enabled": True, "RetentionInDays": monitoring.get("log_days"), "DeletionPolicy": "Retain"})
    return {
        "DetailedMonitoring": bool(monitoring.get("detailed", False)),
        "Logs": {"CloudWatch": logs},
        "Dashboards": {"CloudWatch": {"Enabled": monitoring.get("dashboard", True)}},
        "Alarms": {"Enabled": monitoring.get("alarms", True)},
    }


def _tags(tags: Mapping[str, Any] | None) -> list[Row] | None:
    return [{"Key": key, "Value": str(value)} for key, value in sorted((tags or {}).items())] or None


def _kept(row: Row) -> Row:
    return {key: value for key, value in row.items() if value is not None}
