"""SageMaker HyperPod: resource_config.json, which the service writes, and the user's provisioning_parameters.json."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

from boot.adapters import Nothing, Surroundings
from boot.faults import BootError, Judge, judged
from boot.plan import Node, Plan, Wait

RESOURCE_CONFIG = "/opt/ml/config/resource_config.json"
PARAMETERS = "provisioning_parameters.json"
SLURM_CONF = "/opt/slurm/etc/slurm.conf"
FSX = "/fsx"
MUNGE_KEY = "/etc/munge/munge.key"
HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
KEYS = (
    *("version", "workload_manager", "controller_group", "login_group", "worker_groups"),
    *("fsx_dns_name", "fsx_mountname", "fsx_openzfs_dns_name", "slurm_configurations"),
)
SLURM_KEYS = (
    *("slurm_database_secret_arn", "slurm_database_endpoint", "slurm_shared_directory"),
    *("slurm_database_user", "slurm_sns_arn"),
)


def look(around: Surroundings) -> Plan | Nothing:
    named = around.environment.get("SAGEMAKER_RESOURCE_CONFIG_PATH")
    resource = Judge(around.path(named or RESOURCE_CONFIG))
    if not resource.path.is_file():
        if named:
            raise BootError(
                f"SAGEMAKER_RESOURCE_CONFIG_PATH is {named!r}, and there is no such file; "
                "name the file that the service wrote, or unset the variable."
            )
        return Nothing(f"{resource.path} does not exist, so this is no node of a HyperPod cluster; nothing is done.")
    parameters = Judge(around.bundle / PARAMETERS)
    cluster, groups = read_resource(resource)
    wanted = read_parameters(parameters)
    functions = functions_of(wanted, groups, parameters)
    judged(resource, parameters)
    nodes = nodes_of(groups, functions)
    this = identify(nodes, around, groups, parameters)
    return make_plan(around, cluster, this, nodes, wanted, (*resource.notes, *parameters.notes))


def read_resource(judge: Judge) -> tuple[str, dict[str, list[dict[str, str]]]]:
    """The cluster's name, and the instances of each group: name, address, type."""
    data = judge.load()
    if judge.faults:
        return "", {}
    about = judge.mapping("ClusterConfig", data.get("ClusterConfig"))
    # What is no object has been told already.
    known = isinstance(data.get("ClusterConfig"), dict)
    name = judge.text("ClusterConfig.ClusterName", about.get("ClusterName"), "the cluster's name") if known else ""
    groups: dict[str, list[dict[str, str]]] = {}
    seen: dict[str, str] = {}
    for number, group in enumerate(judge.list("InstanceGroups", data.get("InstanceGroups"))):
        where = f"InstanceGroups[{number}]"
        group = judge.mapping(where, group)
        members = groups.setdefault(judge.text(f"{where}.Name", group.get("Name"), "the group's name"), [])
        for index, instance in enumerate(judge.list(f"{where}.Instances", group.get("Instances"))):
            place = f"{where}.Instances[{index}]"
            instance = judge.mapping(place, instance)
            address = str(instance.get("CustomerIpAddress") or "")
            try:
                ipaddress.ip_address(address)
            except ValueError:
                judge.fault(f"{place}.CustomerIpAddress", instance.get("CustomerIpAddress"), "an IP address")
            else:
                if address in seen:
                    judge.fault(
                        f"{place}.CustomerIpAddress", address, f"an address of its own, not that of {seen[address]}"
                    )
                seen[address] = place
            label = judge.text(f"{place}.InstanceName", instance.get("InstanceName"), "the instance's name")
            kind = str(instance.get("InstanceType") or group.get("InstanceType") or "")
            members.append({"name": label, "address": address, "type": kind})
    return name, groups


def read_parameters(judge: Judge) -> dict[str, Any]:
    data = judge.load()
    if judge.faults:
        return {}
    judge.known_keys(data, KEYS)
    if data.get("version") != "1.0.0":
        judge.fault("version", data.get("version"), "'1.0.0'")
    if data.get("workload_manager") != "slurm":
        judge.fault("workload_manager", data.get("workload_manager"), "'slurm'")
    judge.text("controller_group", data.get("controller_group"), "the name of an instance group")
    judge.text("login_group", data.get("login_group"), "the name of an instance group", optional=True)
    for number, worker in enumerate(judge.list("worker_groups", data.get("worker_groups"))):
        worker = judge.mapping(f"worker_groups[{number}]", worker)
        for key in ("instance_group_name", "partition_name"):
            judge.text(f"worker_groups[{number}].{key}", worker.get(key), "a name")
    dns = judge.text("fsx_dns_name", data.get("fsx_dns_name") or None, "a DNS name", HOST, optional=True)
    mount = judge.text("fsx_mountname", data.get("fsx_mountname") or None, "a mount name", r"[\w-]+", optional=True)
    if bool(dns) != bool(mount) and not judge.faults:
        judge.fault(
            "fsx_mountname" if dns else "fsx_dns_name", None, "both of fsx_dns_name and fsx_mountname, or neither"
        )
    judge.text("fsx_openzfs_dns_name", data.get("fsx_openzfs_dns_name") or None, "a DNS name", HOST, optional=True)
    if data.get("slurm_configurations"):
        heads = judge.mapping("slurm_configurations", data["slurm_configurations"])
        judge.known_keys(heads, SLURM_KEYS, "slurm_configurations.")
        for key in SLURM_KEYS[:4]:
            pattern = r"/\S+" if key == "slurm_shared_directory" else r"arn:\S+" if key.endswith("arn") else r"\S+"
            expected = {"/": "an absolute path", "a": "an ARN"}.get(pattern[0], "a text")
            judge.text(f"slurm_configurations.{key}", heads.get(key), expected, pattern)
        judge.text("slurm_configurations.slurm_sns_arn", heads.get("slurm_sns_arn") or None, "an ARN", r"arn:\S+", True)
    return data


def functions_of(wanted: dict[str, Any], groups: dict[str, Any], judge: Judge) -> dict[str, tuple[str, str]]:
    """Function and partition of each instance group."""
    if judge.faults or not groups:
        return {}
    listed = ", ".join(groups)
    functions: dict[str, tuple[str, str]] = {}
    for number, worker in enumerate(wanted["worker_groups"]):
        group = worker["instance_group_name"]
        functions[group] = ("compute", worker["partition_name"])
        if group not in groups:
            judge.notes.append(
                f"{judge.path}: worker_groups[{number}] names {group!r}; the cluster's groups are {listed}."
            )
    for key, function in (("login_group", "login"), ("controller_group", "controller")):
        group = wanted.get(key)
        if not group:
            continue
        if group not in groups:
            judge.fault(key, group, f"one of the cluster's groups ({listed})")
        if group in functions:
            judge.fault(key, group, "a group that has one function only")
        functions[group] = (function, "")
    heads = groups.get(wanted["controller_group"], [])
    if len(heads) > 1 and not wanted.get("slurm_configurations"):
        judge.fault(
            "slurm_configurations",
            None,
            f"an object, because {wanted['controller_group']} has {len(heads)} instances, which share their state",
        )
    return functions


def nodes_of(groups: dict[str, Any], functions: dict[str, tuple[str, str]]) -> list[tuple[str, Node]]:
    """Every node that has a function, with its group; named as EC2 names its host: ip-10-1-2-3."""
    return [
        (group, Node(_name(row["address"]), row["address"], *functions[group], instance_type=row["type"]))
        for group, members in groups.items()
        if group in functions
        for row in members
    ]


def _name(address: str) -> str:
    return f"ip-{address.replace('.', '-').replace(':', '-')}"


def identify(nodes: list[tuple[str, Node]], around: Surroundings, groups: dict[str, Any], judge: Judge) -> Node:
    """The node whose address is one of this machine's."""
    for _, node in nodes:
        if node.address in around.addresses:
            return node
    mine = ", ".join(around.addresses) or "no address at all"
    for group, members in groups.items():
        if any(row["address"] in around.addresses for row in members):
            raise BootError(
                f"This node ({mine}) is in the instance group {group!r}, which {judge.path} gives no function; "
                "make it the controller_group, the login_group or one of the worker_groups."
            )
    told = "; ".join(
        f"{group}: {', '.join(row['address'] for row in members) or 'none'}" for group, members in groups.items()
    )
    raise BootError(
        f"This node has the addresses {mine}, and resource_config.json lists none of them ({told}); "
        "look whether the file is of this cluster, and run the hook again once the service has written it anew."
    )


def make_plan(
    around: Surroundings,
    cluster: str,
    this: Node,
    nodes: list[tuple[str, Node]],
    wanted: dict[str, Any],
    notes: tuple[str, ...],
) -> Plan:
    named = Node(around.hostname, this.address, this.function, this.partition, this.instance_type)
    everyone = tuple(named if node is this else node for _, node in nodes)
    conf = around.path(around.environment.get("SLURM_CONF") or SLURM_CONF)
    waits = [
        Wait("file", str(around.path(MUNGE_KEY)), "the service lays the cluster's munge key there; look at its agent.")
    ]
    if this.function == "controller":
        why = "the service writes it on the controller; look at its agent, and at SLURM_CONF."
        waits.append(Wait("file", str(conf), why, pattern=r"^ *SlurmctldHost *="))
    mounts = []
    if wanted.get("fsx_dns_name"):
        mounts.append(
            {"type": "lustre", "source": f"{wanted['fsx_dns_name']}@tcp:/{wanted['fsx_mountname']}", "path": FSX}
        )
    if wanted.get("fsx_openzfs_dns_name"):
        mounts.append({"type": "openzfs", "source": f"{wanted['fsx_openzfs_dns_name']}:/fsx", "path": "/home"})
    for name in (wanted.get("fsx_dns_name"), wanted.get("fsx_openzfs_dns_name")):
        if name:
            waits.append(Wait("name", name, "look whether the file system exists and the VPC has DNS.", seconds=300))
    variables: dict[str, Any] = {
        "shared_dir": FSX,
        "slurm_source": "prefix",
        "slurm_prefix": str(Path("/") / conf.parent.parent.relative_to(around.root)),
        "slurm_extends_service_config": True,
        "slurm_controller_wait_seconds": 1800,
        "motd_hyperpod": True,
        # The service gives every node the same key; the role then finds it in place.
        "munge_key": f"{{{{ lookup('ansible.builtin.pipe', 'base64 -w0 {MUNGE_KEY}') }}}}",
        **_homes([mount["path"] for mount in mounts], around),
        **_heads(wanted.get("slurm_configurations") or {}, cluster),
    }
    if mounts:
        variables["lustre_mounts"] = mounts
    return Plan(
        provider="hyperpod",
        cluster=re.sub(r"[^a-z0-9_-]", "-", cluster.lower())[:40],
        this=named,
        nodes=everyone,
        profiles={function: f"hyperpod_{function}" for function in ("controller", "login", "compute")},
        variables=variables,
        waits=tuple(waits),
        notes=notes,
    )


def _homes(mounted: list[str], around: Surroundings) -> dict[str, Any]:
    """Homes go to OpenZFS, else to /fsx, which may be mounted already; without either, every node has its own."""
    if FSX not in mounted and around.path(FSX).is_mount():
        mounted = [*mounted, FSX]
    if not mounted:
        return {"users_home_shared": False, "users_home_root": "/home", "users_home_mount": ""}
    place = "/home" if "/home" in mounted else FSX
    keys = f"{place}/.awsome/host_keys" if place == "/home" else f"{place}/awsome/host_keys"
    homes = {"users_home_root": "/home", "users_home_mount": "/home"} if place == "/home" else {"users_home_mount": FSX}
    return {**homes, "users_host_keys_directory": keys}


def _heads(heads: dict[str, Any], cluster: str) -> dict[str, Any]:
    """Two or more controllers share their state, and the database is elsewhere."""
    if not heads:
        return {}
    shared = heads["slurm_shared_directory"].rstrip("/")
    return {
        "slurm_heads_mount": shared,
        "slurm_heads_directory": f"{shared}/awsome/slurm/{cluster}",
        "slurm_heads_sns_topic_arn": heads.get("slurm_sns_arn") or "",
        "slurm_accounting_database_host": heads["slurm_database_endpoint"],
        "slurm_accounting_database_user": heads["slurm_database_user"],
        "slurm_accounting_database_secret": heads["slurm_database_secret_arn"],
    }
