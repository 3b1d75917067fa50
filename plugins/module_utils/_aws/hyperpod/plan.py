# Private to awsome.training: its API may change without notice.
"""HyperPod: what is wanted and what is seen, turned into calls of the API, or into sentences that refuse. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import shape as model
from ansible_collections.awsome.training.plugins.module_utils._aws import words
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import shape
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod.compare import desired, same, told


@dataclass(frozen=True)
class Action:
    """One call, and why it is made."""

    operation: str
    params: Mapping[str, Any]
    why: str
    # The cluster is busy for a while afterwards, and refuses a second change meanwhile.
    lasting: bool = True


@dataclass(frozen=True)
class Plan:
    actions: tuple[Action, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """A request of CreateCluster, and what a person asks for once."""

    request: Mapping[str, Any]
    purge_groups: bool = False
    purge_tags: bool = True
    software: Mapping[str, Any] | None = None
    delete: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    reboot: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """DescribeCluster's answer or None, the cluster's tags, and the ids of its nodes where they were asked for."""

    cluster: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    nodes: frozenset[str] = frozenset()


def absent(name: str, seen: Mapping[str, Any] | None) -> Plan:
    if seen is None or seen["ClusterStatus"] == "Deleting":
        return Plan()
    nodes = sum(group.get("CurrentCount", 0) for group in shape.groups_of(seen))
    return Plan((Action("DeleteCluster", {"ClusterName": name}, f"remove cluster {name} and its {nodes} nodes"),))


def present(wanted: Wanted, seen: Seen) -> Plan:
    """Every call that is needed, in order, or every reason why it cannot be so."""
    name = wanted.request["ClusterName"]
    if seen.cluster is None:
        return _created(name, wanted)
    if seen.cluster["ClusterStatus"] == "Failed":
        failure = shape.failure(seen.cluster, [], [])
        return Plan(
            refusals=(
                f"{failure} A cluster that failed cannot be changed: remove it with state absent, and run again.",
            )
        )
    changes = _Changes(wanted, seen.cluster)
    update = changes.update()
    actions = [*_tags(wanted, seen), *([update] if update else []), *_software(name, wanted, seen.cluster)]
    actions += _nodes(name, wanted, seen, changes)
    return Plan(() if changes.refusals else tuple(actions), tuple(changes.refusals))


def _created(name: str, wanted: Wanted) -> Plan:
    if wanted.software is not None or wanted.delete or wanted.replace or wanted.reboot:
        return Plan(
            refusals=(
                f"there is no cluster {name}, so its software and nodes cannot be touched; create it first, without "
                f"software_update, delete_nodes, replace_nodes and reboot_nodes.",
            )
        )
    groups = ", ".join(f"{one['InstanceGroupName']} {one['InstanceCount']}" for one in _groups(wanted.request))
    return Plan((Action("CreateCluster", wanted.request, f"create cluster {name} with {groups or 'no groups'}"),))


def _groups(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [group for kind in shape.GROUPS for group in request.get(kind, [])]


class _Changes:
    """What UpdateCluster is to be told, and what it cannot do."""

    def __init__(self, wanted: Wanted, seen: Mapping[str, Any]) -> None:
        self.wanted, self.seen = wanted, seen
        self.name = wanted.request["ClusterName"]
        self.params: dict[str, Any] = {}
        self.why: list[str] = []
        self.refusals: list[str] = []

    def update(self) -> Action | None:
        self._cluster()
        for kind in shape.GROUPS:
            self._kind(kind)
        self._purge()
        if not self.params:
            return None
        return Action("UpdateCluster", {"ClusterName": self.name, **self.params}, "; ".join(self.why))

    def _refuse(self, what: str, has: Any, wants: Any, instead: str) -> None:
        self.refusals.append(f"{what} is {has} and shall be {wants}, which HyperPod cannot change in place; {instead}.")

    def _cluster(self) -> None:
        request, seen = self.wanted.request, self.seen
        remake = f"remove cluster {self.name} with state absent and create it anew, or take the change back"
        if "VpcConfig" in request and not same(request["VpcConfig"], seen.get("VpcConfig")):
            has, wants = told(seen.get("VpcConfig")), told(request["VpcConfig"])
            self._refuse("vpc_config", has, wants, f"give the groups an override_vpc_config, or {remake}")
        kinds = [next(iter(one.get("Orchestrator") or {"Slurm": {}}), "Slurm") for one in (request, seen)]
        if "Orchestrator" in request and kinds[0] != kinds[1]:
            self._refuse("orchestrator", kinds[1].lower(), kinds[0].lower(), remake)
        elif "Orchestrator" in request and not same(request["Orchestrator"], seen.get("Orchestrator")):
            if kinds[0] == "Eks":
                has, wants = (one["Orchestrator"]["Eks"]["ClusterArn"] for one in (seen, request))
                self._refuse("orchestrator.eks.cluster_arn", has, wants, remake)
            elif request["Orchestrator"]["Slurm"]:
                self._set("Orchestrator")
        for key in model.members("sagemaker", "UpdateCluster"):
            if key in request and key not in ("ClusterName", "Orchestrator", *shape.GROUPS):
                described = seen.get(key)
                if key == "RestrictedInstanceGroupsConfig":
                    described = desired(described)
                if not same(request[key], described):
                    self._set(key)

    def _set(self, key: str) -> None:
        self.params[key] = self.wanted.request[key]
        self.why.append(f"{words.snake(key)} is {told(self.seen.get(key))}, shall be {told(self.params[key])}")

    def _kind(self, kind: str) -> None:
        found = {group["InstanceGroupName"]: group for group in self.seen.get(kind) or []}
        for group in self.wanted.request.get(kind, []):
            name = group["InstanceGroupName"]
            if name not in found:
                missing = [key for key in ("InstanceCount", "ExecutionRole") if key not in group]
                missing += [] if {"InstanceType", "InstanceRequirements"} & set(group) else ["InstanceType"]
                if missing:
                    self.refusals.append(
                        f"group {name} is not there yet and has no {' and no '.join(map(words.snake, missing))}; give "
                        f"it, or correct the name: the cluster has {', '.join(found) or 'no groups'}."
                    )
                self._send(kind, group, f"add group {name} with {group.get('InstanceCount')} nodes")
            else:
                self._group(kind, group, shape.specification(kind, found[name]))

    def _group(self, kind: str, group: Mapping[str, Any], has: Mapping[str, Any]) -> None:
        name = group["InstanceGroupName"]
        why = []
        for key, value in group.items():
            if same(value, has.get(key), exact=key in ("LifeCycleConfig", "KubernetesConfig")):
                continue
            what = f"{words.snake(key)} of group {name}"
            other = "make a group of another name and remove this one"
            if key == "InstanceType" or (key == "InstanceRequirements" and key not in has):
                # unverified: the API's reference does not say what becomes of the nodes of the other type.
                self._refuse(what, told(has.get(key)), told(value), other)
            elif key == "SlurmConfig" and value.get("NodeType") != has.get(key, {}).get("NodeType") and key in has:
                self._refuse(f"{what}, node_type,", has[key].get("NodeType"), value.get("NodeType"), other)
            elif key in ("ImageId", "ImageReleaseVersion"):
                if name not in _software_groups(self.wanted.software, [name]):
                    instead = "new software restarts its nodes, so ask for it by software_update"
                    self._refuse(what, told(has.get(key)), told(value), instead)
            else:
                why.append(f"{what} is {told(has.get(key))}, shall be {told(value)}")
        if why:
            kept = {key: value for key, value in has.items() if key != "ImageReleaseVersion"}
            self._send(kind, {**kept, **group}, "; ".join(why))

    def _send(self, kind: str, group: Mapping[str, Any], why: str) -> None:
        self.params.setdefault(kind, []).append(dict(group))
        self.why.append(why)

    def _purge(self) -> None:
        listed = {group["InstanceGroupName"] for group in _groups(self.wanted.request)}
        extra = [
            one["InstanceGroupName"] for one in shape.groups_of(self.seen) if one["InstanceGroupName"] not in listed
        ]
        if extra and self.wanted.purge_groups:
            self.params["InstanceGroupsToDelete"] = extra
            self.why.append(f"remove groups {', '.join(extra)} with all their nodes")


def _tags(wanted: Wanted, seen: Seen) -> Iterator[Action]:
    if "Tags" not in wanted.request:
        return
    assert seen.cluster is not None
    listed = {tag["Key"]: tag["Value"] for tag in wanted.request["Tags"]}
    arn = seen.cluster["ClusterArn"]
    new = [{"Key": key, "Value": value} for key, value in listed.items() if seen.tags.get(key) != value]
    old = [key for key in seen.tags if key not in listed and not key.startswith("aws:")] if wanted.purge_tags else []
    if new:
        yield Action(
            "AddTags", {"ResourceArn": arn, "Tags": new}, f"set tags {', '.join(one['Key'] for one in new)}", False
        )
    if old:
        yield Action("DeleteTags", {"ResourceArn": arn, "TagKeys": old}, f"remove tags {', '.join(old)}", False)


def _software_groups(software: Mapping[str, Any] | None, every: Iterable[str]) -> list[str]:
    if software is None:
        return []
    listed = [group.get("InstanceGroupName", "") for group in software.get("InstanceGroups", [])]
    return listed or list(every)


def _software(name: str, wanted: Wanted, seen: Mapping[str, Any]) -> Iterator[Action]:
    """An update of the software, unless each group that it is for says that it is up to date."""
    if wanted.software is None:
        return
    groups = {group["InstanceGroupName"]: group for group in shape.groups_of(seen)}
    pins = {
        one["InstanceGroupName"]: one.get("ImageReleaseVersion") for one in wanted.software.get("InstanceGroups", [])
    }
    stale = []
    for group in _software_groups(wanted.software, groups):
        has = groups.get(group, {})
        image, pin = wanted.software.get("ImageId"), pins.get(group)
        if image or pin:
            current = has.get("CurrentImageId") == image if image else has.get("CurrentImageReleaseVersion") == pin
        else:
            current = has.get("ImageVersionStatus") == "UpToDate"
        stale += [] if current else [group]
    if stale:
        params = {"ClusterName": name, **wanted.software}
        yield Action("UpdateClusterSoftware", params, f"update the software of {', '.join(stale)}")


def _nodes(name: str, wanted: Wanted, seen: Seen, changes: _Changes) -> Iterator[Action]:
    for operation, ids, what in (
        ("BatchDeleteClusterNodes", wanted.delete, "delete"),
        ("BatchReplaceClusterNodes", wanted.replace, "replace"),
        ("BatchRebootClusterNodes", wanted.reboot, "reboot"),
    ):
        unknown = [one for one in ids if one not in seen.nodes]
        if unknown and what != "delete":  # a node that is gone is deleted
            changes.refusals.append(
                f"{what}_nodes names {', '.join(unknown)}, which cluster {name} has not; see hyperpod_cluster_info."
            )
        here = [one for one in ids if one in seen.nodes]
        most = model.asked("sagemaker", operation).members["NodeIds"].metadata["max"]
        for start in range(0, len(here), most):
            batch = here[start : start + most]
            yield Action(operation, {"ClusterName": name, "NodeIds": batch}, f"{what} {', '.join(batch)}")
