# Private to awsome.training: its API may change without notice.
"""(wanted node groups, what EKS and EC2 have) -> actions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.eks import groups
from ansible_collections.awsome.training.plugins.module_utils._aws.eks.action import Action, Refused, filled, wait

Row = dict[str, Any]
# What a node group keeps for life: Amazon EKS API Reference, UpdateNodegroupConfig and UpdateNodegroupVersion, have no
# word for it.
_FOR_LIFE = {
    "nodeRole": "its role",
    "subnets": "its subnets",
    "amiType": "its AMI type",
    "capacityType": "its capacity type",
}


def settle(
    wanted: Sequence[Mapping[str, Any]],
    instances: Mapping[str, Any],
    subnet_ids: Sequence[str],
    zones: Mapping[str, str],
) -> list[Row]:
    """All entries, complete; every fault of all of them at once. `zones` is the availability zone of each "
    "subnet that exists."""
    settled: list[Row] = []
    faults: list[str] = []
    for entry in wanted:
        record = instances[entry["instance_type"]]
        if isinstance(record, str):  # what the catalogue says of a type that it does not have
            faults.append(f"eks_node_groups: {entry['name']} names instance type {entry['instance_type']}: {record}")
            continue
        group = groups.settle(entry, record, subnet_ids)
        faults += groups.judge(group, record, zones)
        faults += [
            f"eks_node_groups: {entry['name']} names subnet {one}, which does not exist in this region; correct it."
            for one in group["subnet_ids"]
            if one not in zones
        ]
        settled.append(group)
    names = [entry["name"] for entry in wanted]
    faults += [
        f"eks_node_groups: {name} stands there twice; names are unique."
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    if settled and len(settled) == len(wanted) and all(group["taints"] for group in settled):
        faults.append(
            "eks_node_groups: every group has a taint, so that CoreDNS and controllers can run nowhere; add a "
            "group of a type "
            "without accelerator, or give one group taints: []."
        )
    if faults:
        raise Refused(faults)
    return settled


def plan(
    cluster: str,
    wanted: Sequence[Row],
    seen: Mapping[str, Any],
    instances: Mapping[str, Row],
    role_arn: str,
    security_group_ids: Sequence[str],
    tags: Mapping[str, str],
    kubernetes: str,
) -> list[Action]:
    """`seen` has nodegroups and templates by name, and placement_groups, a list of names; `kubernetes` is the "
    "cluster's version."""
    faults: list[str] = []
    actions: list[Action] = []
    for group in wanted:
        data = groups.launch_template(cluster, group, instances[group["instance_type"]], security_group_ids)
        named = groups.template_name(cluster, group["name"])
        if group["placement"] == "cluster" and not group["placement_group"] and named not in seen["placement_groups"]:
            told: Row = {"GroupName": named, "Strategy": "cluster", "TagSpecifications": _tags("placement-group", tags)}
            actions.append(Action("CreatePlacementGroup", f"make placement group {named}", filled(told), "ec2"))
        made, version = _template(named, data, seen["templates"].get(named), tags)
        actions += made
        asked = groups.request(cluster, group, role_arn, version, tags)
        there = seen["nodegroups"].get(group["name"])
        if there is None:
            actions.append(Action("CreateNodegroup", f"make node group {group['name']}", filled(asked)))
        else:
            faults += _kept(there, asked)
            actions += _updates(group, there, asked, kubernetes)
    if faults:
        raise Refused(faults)
    return actions + [
        wait(
            "nodegroup", f"until node group {group['name']} is ready", clusterName=cluster, nodegroupName=group["name"]
        )
        for group in wanted
        if any(action.params.get("nodegroupName") == group["name"] for action in actions)
    ]


def removal(cluster: str, names: Sequence[str], seen: Mapping[str, Any]) -> list[Action]:
    """Groups go first, and what they hold goes after them."""
    there = [name for name in names if name in seen["nodegroups"]]
    told = [{"clusterName": cluster, "nodegroupName": name} for name in there]
    actions = [Action("DeleteNodegroup", f"delete node group {one['nodegroupName']}", one) for one in told]
    actions += [wait("nodegroup", f"until node group {one['nodegroupName']} is gone", "gone", **one) for one in told]
    for name in names:
        named = groups.template_name(cluster, name)
        if named in seen["templates"]:
            actions.append(
                Action("DeleteLaunchTemplate", f"delete launch template {named}", {"LaunchTemplateName": named}, "ec2")
            )
        if named in seen["placement_groups"]:
            actions.append(
                Action("DeletePlacementGroup", f"delete placement group {named}", {"GroupName": named}, "ec2")
            )
    return actions


def _template(
    named: str, data: Row, seen: Mapping[str, Any] | None, tags: Mapping[str, str]
) -> tuple[list[Action], int]:
    mark = groups.fingerprint(data)
    told: Row = {"LaunchTemplateName": named, "VersionDescription": mark, "LaunchTemplateData": data}
    if seen is None:
        told["TagSpecifications"] = _tags("launch-template", tags)
        return [Action("CreateLaunchTemplate", f"make launch template {named}", filled(told), "ec2")], 1
    if seen["VersionDescription"] == mark:
        return [], seen["VersionNumber"]
    version = seen["VersionNumber"] + 1
    return [
        Action("CreateLaunchTemplateVersion", f"make version {version} of launch template {named}", told, "ec2")
    ], version


def _kept(there: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[str]:
    for key, word in _FOR_LIFE.items():
        now, then = there.get(key), asked[key]
        if (sorted(now or []) if isinstance(then, list) else now) != (sorted(then) if isinstance(then, list) else then):
            yield (
                f"eks_node_groups: {asked['nodegroupName']} has {word} for life: it is {now}, wanted is {then}; "
                "make a group of another name and remove this one."
            )


def _updates(group: Row, there: Mapping[str, Any], asked: Row, kubernetes: str) -> Iterator[Action]:
    which = {"clusterName": asked["clusterName"], "nodegroupName": asked["nodegroupName"]}
    told: Row = {}
    sizes = dict(asked["scalingConfig"])
    now = there.get("scalingConfig") or {}
    if group["desired_size"] is None:
        # An autoscaler may have chosen it; it only has to stay between the bounds.
        sizes["desiredSize"] = min(max(now.get("desiredSize", sizes["minSize"]), sizes["minSize"]), sizes["maxSize"])
    if sizes != {key: now.get(key) for key in sizes}:
        told["scalingConfig"] = sizes
    had, labels = there.get("labels") or {}, asked["labels"]
    put = {key: value for key, value in labels.items() if had.get(key) != value}
    if put or set(had) - set(labels):
        gone = {"removeLabels": sorted(set(had) - set(labels))} if set(had) - set(labels) else {}
        told["labels"] = {**({"addOrUpdateLabels": put} if put else {}), **gone}
    held, taints = there.get("taints") or [], asked["taints"]
    new, old = [one for one in taints if one not in held], [one for one in held if one not in taints]
    if new or old:
        # A taint whose value changes is put, and not removed as well.
        marks = [(one["key"], one["effect"]) for one in new]
        old = [one for one in old if (one["key"], one["effect"]) not in marks]
        told["taints"] = {**({"addOrUpdateTaints": new} if new else {}), **({"removeTaints": old} if old else {})}
    for key in ("updateConfig", "nodeRepairConfig"):
        has: Row = there.get(key) or {}
        if any(has.get(name) != value for name, value in asked[key].items()):
            told[key] = asked[key]
    if told:
        says = f"change node group {which['nodegroupName']}"
        yield Action("UpdateNodegroupConfig", says, {**which, **told})
        yield wait("nodegroup", f"until node group {which['nodegroupName']} took that", **which)
    template = asked["launchTemplate"]
    rolls: Row = {}
    if (there.get("launchTemplate") or {}).get("version") != template["version"]:
        rolls["launchTemplate"] = dict(template)
    if there.get("version") != kubernetes:
        rolls["version"] = kubernetes
    if rolls:
        into = [
            {"launchTemplate": "its new launch template", "version": f"Kubernetes {kubernetes}"}[key] for key in rolls
        ]
        says = f"roll node group {which['nodegroupName']} to {' and '.join(into)}"
        yield Action("UpdateNodegroupVersion", says, {**which, **rolls})


def _tags(kind: str, tags: Mapping[str, str]) -> list[Row]:
    return (
        [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}] if tags else []
    )
