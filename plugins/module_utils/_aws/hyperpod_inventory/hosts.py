# Private to awsome.training: its API may change without notice.
"""From what SageMaker says of a HyperPod cluster to the hosts and groups of an inventory. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import natural_key

FUNCTIONS = ("controller", "login", "compute")
# How a host may be called; `dns` is how Slurm's nodes are called on HyperPod.
NAMES = ("dns", "instance_id", "group_and_instance_id")
ALL = "all"


class HyperpodInventoryError(ValueError):
    """What the user asked for does not go with the cluster; the message says what to do."""


@dataclass(frozen=True)
class Wanted:
    """What the user decides: which instance group does what, which nodes there are, and how they are called."""

    functions: Mapping[str, Collection[str]] = field(default_factory=dict)
    partitions: Mapping[str, str] = field(default_factory=dict)
    statuses: Collection[str] = ("Running",)
    hostname: str = "dns"
    known_types: Collection[str] = ()


@dataclass(frozen=True)
class Host:
    """One node: its name, the groups it is in directly, and what only holds for it."""

    name: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]


@dataclass
class Inventory:
    """The hosts, the groups below groups, the variables of groups, and what the user ought to know."""

    hosts: list[Host] = field(default_factory=list)
    children: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def from_provisioning(parameters: Mapping[str, Any]) -> Wanted:
    """Which group does what, by the file that HyperPod's own hooks read: provisioning_parameters.json."""
    workers = parameters.get("worker_groups") or []
    functions = {
        "controller": [parameters.get("controller_group")],
        "login": [parameters.get("login_group")],
        "compute": [worker.get("instance_group_name") for worker in workers],
    }
    return Wanted(
        functions={name: [group for group in groups if group] for name, groups in functions.items()},
        partitions={
            worker["instance_group_name"]: worker["partition_name"]
            for worker in workers
            if worker.get("partition_name")
        },
    )


def inventory(seen: Iterable[Mapping[str, Any]], wanted: Wanted) -> Inventory:
    """The inventory of some clusters, each of which is what DescribeCluster and ListClusterNodes answered."""
    seen = list(seen)
    faults = _group_faults(wanted, seen)
    if faults:
        raise HyperpodInventoryError("\n".join(faults))
    made = Inventory()
    names: dict[str, str] = {}
    for one in seen:
        _add_cluster(made, one["cluster"], one["nodes"], wanted, names)
    made.hosts.sort(key=lambda host: natural_key(host.name))
    return made


def _add_cluster(
    made: Inventory,
    cluster: Mapping[str, Any],
    nodes: Sequence[Mapping[str, Any]],
    wanted: Wanted,
    names: dict[str, str],
) -> None:
    title = str(cluster.get("ClusterName") or "")
    identity = str(cluster["ClusterArn"]).rpartition("/")[2]
    details = {group["InstanceGroupName"]: group for group in _groups(cluster)}
    top = group_name("hyperpod", title)
    made.variables[top] = {
        "cluster_name": title,
        "sagemaker_cluster_arn": cluster["ClusterArn"],
        "sagemaker_cluster_id": identity,
        "sagemaker_cluster_status": cluster.get("ClusterStatus"),
    }
    places: dict[str, tuple[str, ...]] = {}
    for name, group in details.items():
        # Beside the cluster's group, not below it: groups of two clusters may have one name.
        made.variables[group_name("instance_group", name)] = {"sagemaker_instance_group": name}
        places[name] = (top, group_name("instance_group", name), *_functions(made, name, group, wanted))
    _tell_of_placeless(made, cluster, details, places, title)
    for node in nodes:
        _add_node(made, node, places, top, f"sagemaker-cluster:{identity}", wanted, names)
    left_out = Counter(_status(node) for node in nodes if not _is_wanted(node, wanted))
    if left_out:
        told = ", ".join(f"{count} {status}" for status, count in sorted(left_out.items()))
        made.notes.append(
            f"cluster {title}: {sum(left_out.values())} of {len(nodes)} nodes are left out ({told}); see `statuses`."
        )


def _add_node(
    made: Inventory,
    node: Mapping[str, Any],
    places: Mapping[str, tuple[str, ...]],
    top: str,
    target: str,
    wanted: Wanted,
    names: dict[str, str],
) -> None:
    if not _is_wanted(node, wanted):
        return
    instance, group = node["InstanceId"], node["InstanceGroupName"]
    name = _name(node, wanted.hostname)
    # Nodes of two clusters may have one address, and so one name: their networks know nothing of each other.
    if name in names:
        raise HyperpodInventoryError(
            f"hostname: {wanted.hostname!r} calls both {names[name]} and {group}/{instance} {name!r}, expected "
            "a name for each; use hostname: group_and_instance_id, or an inventory file for each cluster."
        )
    names[name] = f"{group}/{instance}"
    dns = node.get("PrivateDnsHostname") or ""
    address = re.fullmatch(r"ip-(\d+)-(\d+)-(\d+)-(\d+)", dns.partition(".")[0])
    kind = str(node.get("InstanceType") or "").removeprefix("ml.")
    variables = {
        "ansible_host": f"{target}_{group}-{instance}",
        # Without a record in the catalogue, roles read the hardware from the node.
        "instance_type": kind if kind in wanted.known_types else None,
        "sagemaker_instance_type": node.get("InstanceType"),
        "sagemaker_instance_id": instance,
        "sagemaker_node_logical_id": node.get("NodeLogicalId"),
        "sagemaker_node_status": _status(node),
        "sagemaker_node_message": (node.get("InstanceStatus") or {}).get("Message") or None,
        "sagemaker_private_dns": dns or None,
        "sagemaker_private_ip": node.get("PrivatePrimaryIp") or (".".join(address.groups()) if address else None),
        "sagemaker_ultraserver_id": (node.get("UltraServerInfo") or {}).get("Id"),
        "sagemaker_image_version": node.get("CurrentImageReleaseVersion"),
        "sagemaker_launch_time": node.get("LaunchTime"),
        "sagemaker_availability_zone": (node.get("Placement") or {}).get("AvailabilityZone"),
    }
    # A group may be gone from the cluster's description while its last nodes shut down.
    groups = places.get(group) or (top, group_name("instance_group", group))
    known = {key: value for key, value in variables.items() if value is not None}
    made.hosts.append(Host(name=name, groups=groups, variables=known))


def group_name(kind: str, name: str) -> str:
    """A group's name that Ansible takes as it is, and that no function and no partition has."""
    return f"{kind}_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"


def _groups(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(cluster.get("InstanceGroups") or []), *(cluster.get("RestrictedInstanceGroups") or [])]


def _functions(made: Inventory, name: str, group: Mapping[str, Any], wanted: Wanted) -> list[str]:
    """Our groups that an instance group's nodes are in: what the user says, else what the cluster says."""
    slurm = group.get("SlurmConfig") or {}
    told = [function for function in FUNCTIONS if name in wanted.functions.get(function, ())]
    functions = told or [str(slurm["NodeType"]).lower()] if told or slurm.get("NodeType") else []
    if "compute" not in functions:
        return functions
    partitions = [wanted.partitions[name]] if name in wanted.partitions else list(slurm.get("PartitionNames") or [])
    for partition in partitions:
        if partition in (*FUNCTIONS, ALL, "ungrouped"):
            raise HyperpodInventoryError(
                f"partitions: instance group {name!r} is in the partition {partition!r}, expected a name that is no "
                "group of this collection or of Ansible; give the partition another name."
            )
        if partition not in made.children.setdefault("compute", []):
            made.children["compute"].append(partition)
    return [*partitions, *([] if partitions else ["compute"]), *(one for one in functions if one != "compute")]


def _group_faults(wanted: Wanted, seen: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each instance group that the user names and no cluster has, or that is told to be two things."""
    have = sorted({group["InstanceGroupName"] for one in seen for group in _groups(one["cluster"])})
    named: dict[str, list[str]] = {}
    for function in FUNCTIONS:
        for name in wanted.functions.get(function, ()):
            named.setdefault(name, []).append(function)
    faults = [
        f"functions: instance group {name!r} is told to be {' and '.join(functions)}, expected one of them; "
        "a node has one function."
        for name, functions in named.items()
        if len(functions) > 1
    ]
    places = {
        **dict.fromkeys(wanted.partitions, "partitions"),
        **{name: f"functions.{named[name][0]}" for name in named},
    }
    return faults + [
        f"{where}: no cluster has an instance group {name!r}, expected one of {', '.join(have) or 'none'}; "
        "correct the name."
        for name, where in places.items()
        if name not in have
    ]


def _tell_of_placeless(
    made: Inventory,
    cluster: Mapping[str, Any],
    details: Mapping[str, Any],
    places: Mapping[str, tuple[str, ...]],
    title: str,
) -> None:
    if "Eks" in (cluster.get("Orchestrator") or {}):
        return  # nodes of Kubernetes have no function in Slurm
    placeless = [name for name in details if len(places[name]) == 2]
    if placeless:
        made.notes.append(
            f"cluster {title}: the instance group{'s' if len(placeless) > 1 else ''} {', '.join(placeless)} "
            f"{'have' if len(placeless) > 1 else 'has'} no SlurmConfig, so the nodes are in none of the groups "
            "controller, login and compute; name them in `functions`, or give `provisioning_parameters`."
        )


def _is_wanted(node: Mapping[str, Any], wanted: Wanted) -> bool:
    # A node that is still being bought has no instance to reach.
    return bool(node.get("InstanceId")) and (ALL in wanted.statuses or _status(node) in wanted.statuses)


def _status(node: Mapping[str, Any]) -> str:
    return str((node.get("InstanceStatus") or {}).get("Status") or "unknown")


def _name(node: Mapping[str, Any], hostname: str) -> str:
    instance = str(node["InstanceId"])
    if hostname == "group_and_instance_id":
        return f"{node['InstanceGroupName']}-{instance}"
    dns = str(node.get("PrivateDnsHostname") or "").partition(".")[0]
    return dns if hostname == "dns" and dns else instance
