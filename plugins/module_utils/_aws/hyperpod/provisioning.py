# Private to awsome.training: its API may change without notice.
"""HyperPod on Slurm: provisioning_parameters.json against the cluster's request and the bundle that is uploaded. Pure.

A fault of these three is told by the service after half an hour, one at a time and by a node that could not boot. Here
all are found before anything is made.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import bootable, shape
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod.bootable import NAME

KEYS: dict[str, type] = {
    "version": str,
    "workload_manager": str,
    "controller_group": str,
    "login_group": str,
    "worker_groups": list,
    "fsx_dns_name": str,
    "fsx_mountname": str,
    "fsx_openzfs_dns_name": str,
    "slurm_configurations": dict,
}
REQUIRED = ("version", "workload_manager", "controller_group", "worker_groups")
WORKER: dict[str, type] = {"instance_group_name": str, "partition_name": str}
HEADS: dict[str, type] = {
    "slurm_database_secret_arn": str,
    "slurm_database_endpoint": str,
    "slurm_shared_directory": str,
    "slurm_database_user": str,
    "slurm_sns_arn": str,
}
# The first four are those of SageMaker's model; a test compares them.
DNS = r"((fs|fc)i?-[0-9a-f]{8,}\..{4,253})"
MOUNT = r"([A-Za-z0-9_-]{1,8})"
PARTITION = r"[a-zA-Z0-9](-*[a-zA-Z0-9])*"
SECRET = r"arn:aws[a-z\-]*:secretsmanager:[a-z0-9\-]*:[0-9]{12}:secret:.+"
TOPIC = r"arn:aws[a-z\-]*:sns:[a-z0-9\-]*:[0-9]{12}:.+"
FORMS = {
    "fsx_dns_name": (DNS, "the DNS name of a file system, such as fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com"),
    "fsx_openzfs_dns_name": (
        DNS,
        "the DNS name of a file system, such as fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com",
    ),
    "fsx_mountname": (MOUNT, "the mount name of the Lustre file system, up to 8 letters and digits, as FSx tells it"),
    "partition_name": (PARTITION, "letters, digits and single hyphens"),
    "slurm_database_secret_arn": (SECRET, "the ARN of a secret"),
    "slurm_database_endpoint": (r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "a host name without a port"),
    "slurm_shared_directory": (
        r"(/[^/\s]+)+",
        "an absolute path below a file system that every node mounts, such as /fsx",
    ),
    "slurm_sns_arn": (TOPIC, "the ARN of an SNS topic"),
}
_WORDS: dict[type, str] = {str: "text", list: "a list", dict: "an object"}
NODE_TYPES = {"controller_group": "Controller", "login_group": "Login", "worker_groups": "Compute"}


@dataclass
class _Judge:
    path: str
    request: Mapping[str, Any] | None
    faults: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.faults.append(f"{self.path}: {text}")

    @property
    def groups(self) -> dict[str, Mapping[str, Any]]:
        return {group["InstanceGroupName"]: group for group in (self.request or {}).get("InstanceGroups", [])}


def faults(
    text: str | None,
    request: Mapping[str, Any] | None = None,
    files: Collection[str] | None = None,
    path: str = NAME,
) -> list[str]:
    """Every fault, a sentence each.

    `text` is that of provisioning_parameters.json, None for a cluster on EKS, which has none. `request` is that of
    CreateCluster, and `files` the names at the top of the bundle; what is not given is not judged.
    """
    found = shape.faults(request) if request is not None else []
    # A request of another structure has no groups to compare with; its faults come first.
    judge = _Judge(path, None if found and not bootable.has_groups(request) else request)
    if text is not None:
        told = _load(text, judge)
        if told is not None:
            _judge(told, judge)
    if request is not None:
        found += list(bootable.request_faults(request, text is not None))
    if files is not None:
        found += list(bootable.bundle_faults(request, files, text is not None))
    return found + judge.faults


def _load(text: str, judge: _Judge) -> dict[str, Any] | None:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, count in Counter(key for key, _ in found).items():
            if count > 1:
                judge.tell(f"{key} stands {count} times in one object; keep one.")
        return dict(found)

    try:
        told = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        judge.tell(f"is no JSON: {error.msg} in line {error.lineno}, column {error.colno}.")
        return None
    if not isinstance(told, dict):
        judge.tell(f"holds {_kind(told)}, expected an object with {', '.join(REQUIRED)}.")
        return None
    return told


def _judge(told: dict[str, Any], judge: _Judge) -> None:
    _keys(told, KEYS, "", judge)
    for key in REQUIRED:
        if key not in told:
            judge.tell(f"{key} is missing; it is required.")
    for key, only in (("version", "1.0.0"), ("workload_manager", "slurm")):
        if isinstance(told.get(key), str) and told[key] != only:
            judge.tell(f"{key} is {told[key]!r}, expected {only!r}.")
    workers = [one for one in _list(told.get("worker_groups")) if isinstance(one, dict)]
    for index, one in enumerate(_list(told.get("worker_groups"))):
        where = f"worker_groups[{index}]"
        if not isinstance(one, dict):
            judge.tell(f"{where} is {_kind(one)}, expected an object with {' and '.join(WORKER)}.")
            continue
        _keys(one, WORKER, f"{where}.", judge)
        for key in WORKER:
            if key not in one:
                judge.tell(f"{where}.{key} is missing; it is required.")
        _form(one, "partition_name", f"{where}.", judge)
    _storage(told, judge)
    _roles(told, workers, judge)
    _heads(told, judge)


def _keys(told: Mapping[str, Any], known: Mapping[str, type], where: str, judge: _Judge) -> None:
    for key, value in told.items():
        if key not in known:
            near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
            meant = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}."
            judge.tell(f"{where}{key} is no key of this file; {meant}")
        elif not isinstance(value, known[key]):
            judge.tell(f"{where}{key} is {_kind(value)}, expected {_WORDS[known[key]]}.")
        elif value == "":
            judge.tell(f"{where}{key} is empty; give it a value, or leave the key out.")


def _form(told: Mapping[str, Any], key: str, where: str, judge: _Judge) -> None:
    value = told.get(key)
    pattern, expected = FORMS[key]
    if isinstance(value, str) and value and not re.fullmatch(pattern, value):
        judge.tell(f"{where}{key} is {value!r}, expected {expected}.")


def _storage(told: Mapping[str, Any], judge: _Judge) -> None:
    for key in ("fsx_dns_name", "fsx_mountname", "fsx_openzfs_dns_name"):
        _form(told, key, "", judge)
    if told.get("fsx_dns_name") and not told.get("fsx_mountname"):
        judge.tell("fsx_mountname is missing; fsx_dns_name cannot be mounted without it. FSx tells it as MountName.")
    if told.get("fsx_mountname") and not told.get("fsx_dns_name"):
        judge.tell("fsx_dns_name is missing; fsx_mountname says nothing without it. FSx tells it as DNSName.")
    shared = [key for key in ("fsx_dns_name", "fsx_openzfs_dns_name") if told.get(key)]
    if shared and judge.request is not None and "VpcConfig" not in judge.request:
        judge.tell(f"{shared[0]} is in your VPC, but the request has no vpc_config, so no node reaches it; add it.")


def _roles(told: Mapping[str, Any], workers: Sequence[Mapping[str, Any]], judge: _Judge) -> None:
    """Each group of the request has one role, and each role a group."""
    named = [(key, told[key], "") for key in ("controller_group", "login_group") if isinstance(told.get(key), str)]
    named += [
        (f"worker_groups[{index}].instance_group_name", one["instance_group_name"], one.get("partition_name", ""))
        for index, one in enumerate(workers)
        if isinstance(one.get("instance_group_name"), str)
    ]
    first: dict[str, str] = {}
    for key, name, partition in named:
        if name in first:
            judge.tell(f"{key} is {name!r}, which is {first[name]} already; a group has one role.")
        first.setdefault(name, key)
        if judge.request is not None:
            _one_role(key, name, partition, judge)
    if isinstance(told.get("worker_groups"), list) and not told["worker_groups"]:
        judge.tell("worker_groups is empty; a cluster without them runs no job.")
    for name in judge.groups:
        if name not in first and name.lower() not in {one.lower() for one in first}:
            judge.tell(
                f"group {name!r} of the request is neither controller_group, login_group nor one of worker_groups, so "
                f"its nodes would not know what they are; add it, or take it out of the request."
            )


def _one_role(key: str, name: str, partition: str, judge: _Judge) -> None:
    group = judge.groups.get(name)
    if group is None:
        listed = ", ".join(judge.groups) or "none"
        same = [one for one in judge.groups if one.lower() == name.lower()]
        why = f"the request has {same[0]!r}: names differ by case" if same else f"the request has the groups {listed}"
        judge.tell(f"{key} is {name!r}, but {why}; write the same name in both.")
        return
    wanted = NODE_TYPES[key.split("[")[0]]
    slurm = group.get("SlurmConfig", {})
    if slurm and slurm.get("NodeType") != wanted:
        judge.tell(
            f"{key} is {name!r}, whose slurm_config says node_type {slurm.get('NodeType')}, expected {wanted}; "
            f"let both say the same."
        )
    names = slurm.get("PartitionNames", [])
    if partition and names and partition not in names:
        judge.tell(f"group {name!r} has the partition {partition!r} here, and {', '.join(names)} in its slurm_config.")
    if key == "controller_group" and group.get("InstanceCount") == 0:
        judge.tell(f"controller_group is {name!r}, which has 0 instances in the request; a cluster needs a controller.")


def _heads(told: Mapping[str, Any], judge: _Judge) -> None:
    count = judge.groups.get(str(told.get("controller_group")), {}).get("InstanceCount", 1)
    heads = told.get("slurm_configurations")
    if isinstance(count, int) and count > 1 and not heads:
        judge.tell(
            f"slurm_configurations is missing, but {told['controller_group']!r} has {count} instances; two controllers "
            f"need a database and a directory that both see. Give it, or make it one instance."
        )
    if not isinstance(heads, dict):
        return
    _keys(heads, HEADS, "slurm_configurations.", judge)
    for key in HEADS:
        if key not in heads and key != "slurm_sns_arn":
            judge.tell(f"slurm_configurations.{key} is missing; it is required.")
        if key in FORMS:
            _form(heads, key, "slurm_configurations.", judge)
    if not told.get("fsx_dns_name"):
        judge.tell("fsx_dns_name is missing; slurm_configurations puts the controllers' state on a shared file system.")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    kinds = {dict: "an object", list: "a list", str: f"the text {value!r}", type(None): "null"}
    return kinds.get(type(value), f"the number {value!r}")
