# Private to awsome.training: its API may change without notice.
"""A node group of EKS: what an entry means, and the launch template and request that it becomes. Pure.

Amazon EKS User Guide, "Customize managed nodes with launch templates" (the template holds no instance profile, no
subnet and no spot
market; security groups stand in the interfaces) and "Use Capacity Blocks for ML with managed node groups" (market
type, reservation and
instance type in the template, and CAPACITY_BLOCK in the request).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.interfaces import interfaces

Row = dict[str, Any]

CAPACITIES = ("on_demand", "reservation", "capacity_block", "spot")
EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}
_TAINTS = {"nvidia": "nvidia.com/gpu", "neuron": "aws.amazon.com/neuron"}
_AMI = {
    ("nvidia", "x86_64"): "AL2023_x86_64_NVIDIA",
    ("nvidia", "aarch64"): "AL2023_ARM_64_NVIDIA",
    ("neuron", "x86_64"): "AL2023_x86_64_NEURON",
    (None, "x86_64"): "AL2023_x86_64_STANDARD",
    (None, "aarch64"): "AL2023_ARM_64_STANDARD",
}


def settle(group: Mapping[str, Any], record: Mapping[str, Any], subnet_ids: Sequence[str]) -> Row:
    """An entry with everything it leaves open filled in from the instance's record."""
    kind = (record["accelerator"] or {}).get("kind")
    given = {key: value for key, value in group.items() if value is not None}
    efa = given.get("efa", record["efa_interfaces"] > 0)
    capacity = given.get("capacity", "on_demand")
    least = given.get("min_size", 0)
    settled = {
        "capacity": capacity,
        "efa": efa,
        "min_size": least,
        "max_size": given.get("max_size", max(1, least, given.get("desired_size", 0))),
        "desired_size": None,
        "subnet_ids": list(subnet_ids),
        # AWS places the instances of a capacity block near each other by itself.
        "placement": "cluster" if efa and capacity != "capacity_block" else "none",
        "placement_group": None,
        "capacity_reservation_id": None,
        "capacity_reservation_group_arn": None,
        "ami_type": _AMI.get((kind, record["arch"])),
        "volume_gib": 200,
        "local_storage": "RAID0" if record["local_nvme"] else "none",
        "labels": {},
        "taints": [{"key": _TAINTS[kind], "effect": "NoSchedule"}] if kind else [],
        "repair": True,
        "max_unavailable": 1,
        "user_data": [],
        **given,
    }
    words = {"awsome.training/group": group["name"], "awsome.training/efa": "true" if efa else "false"}
    if kind:
        words["awsome.training/accelerator"] = kind
    settled["labels"] = {**words, **settled["labels"]}
    return settled


def judge(group: Mapping[str, Any], record: Mapping[str, Any], zones: Mapping[str, str]) -> Iterator[str]:
    """Every fault of a settled entry that no model of a service tells; `zones` is the availability zone of each "
    "subnet."""
    name, kind = f"eks_node_groups: {group['name']}", group["instance_type"]
    if group["efa"] and not record["efa_interfaces"]:
        yield f"{name} asks for EFA, which {kind} does not have; say efa: false or take a type that has it."
    if not group["ami_type"]:
        yield f"{name}: EKS has no AMI for {kind} ({record['arch']}) that this role knows; name one with ami_type."
    if not group["subnet_ids"]:
        yield f"{name} has no subnet; give it subnet_ids, or the role eks_subnet_ids."
    reserved = group["capacity_reservation_id"] or group["capacity_reservation_group_arn"]
    if group["capacity"] == "capacity_block" and not group["capacity_reservation_id"]:
        yield f"{name} takes a capacity block and says none; give the id of its reservation as capacity_reservation_id."
    if group["capacity"] == "reservation" and not reserved:
        yield (
            f"{name} takes a reservation and says none; give capacity_reservation_id or capacity_reservation_group_arn."
        )
    if group["capacity"] in ("on_demand", "spot") and reserved:
        yield f"{name} names a reservation, but its capacity is {group['capacity']}; say capacity: reservation."
    if group["capacity_reservation_id"] and group["capacity_reservation_group_arn"]:
        yield f"{name} names a reservation and a group of reservations; give one of the two."
    several = sorted({zones[subnet] for subnet in group["subnet_ids"] if subnet in zones})
    if len(several) > 1 and (group["placement"] == "cluster" or group["capacity"] == "capacity_block"):
        why = "a cluster placement group" if group["placement"] == "cluster" else "a capacity block"
        yield (
            f"{name} has subnets in {', '.join(several)}, but {why} lies in one availability zone; "
            "give it subnet_ids of one zone" + (", or say placement: none." if group["placement"] == "cluster" else ".")
        )
    wanted = group["desired_size"]
    if not group["min_size"] <= (group["min_size"] if wanted is None else wanted) <= group["max_size"]:
        yield (
            f"{name}: min_size {group['min_size']}, desired_size {wanted} and max_size {group['max_size']} are not in "
            "rising order; correct them."
        )
    if group["local_storage"] != "none" and not record["local_nvme"]:
        yield f"{name} asks for local_storage {group['local_storage']}, but {kind} has no local disk; say none."


def template_name(cluster: str, group: str) -> str:
    return f"{cluster}-{group}"


def launch_template(cluster: str, group: Mapping[str, Any], record: Mapping[str, Any], groups: Sequence[str]) -> Row:
    """The launch template's data for a settled entry; `groups` are security groups."""
    tags = [{"Key": "Name", "Value": f"{cluster}-{group['name']}"}]
    data: Row = {
        "InstanceType": group["instance_type"],
        "NetworkInterfaces": interfaces(record, groups, group["efa"]),
        # One hop keeps pods away from the node's role: they have pod identities.
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {
                    "VolumeType": "gp3",
                    "VolumeSize": group["volume_gib"],
                    "Encrypted": True,
                    "DeleteOnTermination": True,
                },
            }
        ],
        "UserData": base64.b64encode(user_data(group).encode()).decode(),
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume", "network-interface")
        ],
    }
    if group["placement"] == "cluster":
        data["Placement"] = {"GroupName": group["placement_group"] or template_name(cluster, group["name"])}
    if group["capacity_reservation_id"]:
        target = {"CapacityReservationId": group["capacity_reservation_id"]}
        data["CapacityReservationSpecification"] = {"CapacityReservationTarget": target}
    if group["capacity_reservation_group_arn"]:
        target = {"CapacityReservationResourceGroupArn": group["capacity_reservation_group_arn"]}
        data["CapacityReservationSpecification"] = {"CapacityReservationTarget": target}
    if group["capacity"] == "capacity_block":
        data["InstanceMarketOptions"] = {"MarketType": "capacity-block"}
    return data


def fingerprint(data: Mapping[str, Any]) -> str:
    """The mark by which a later run knows that a template's version is this one; it is the version's description."""
    return f"awsome.training {hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]}"


def user_data(group: Mapping[str, Any]) -> str:
    """MIME: nodeadm's NodeConfig, to which EKS adds what tells of the cluster, then the scripts of the group."""
    config: Row = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": {}}
    if group["local_storage"] != "none":
        config["spec"]["instance"] = {
            "localStorage": {"strategy": {"RAID0": "RAID0", "mount": "Mount"}[group["local_storage"]]}
        }
    parts = [("application/node.eks.aws", json.dumps(config, sort_keys=True, indent=2))]
    parts += [('text/x-shellscript; charset="us-ascii"', script) for script in group["user_data"]]
    # The boundary tells nothing and must not change from run to run.
    boundary = "//awsome-training//"
    text = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{boundary}"\n'
    for kind, content in parts:
        text += f"\n--{boundary}\nContent-Type: {kind}\n\n{content.rstrip()}\n"
    return f"{text}\n--{boundary}--\n"


def request(cluster: str, group: Mapping[str, Any], role_arn: str, version: int, tags: Mapping[str, str]) -> Row:
    """What CreateNodegroup is asked; `version` is the launch template's."""
    least, most = group["min_size"], group["max_size"]
    wanted = least if group["desired_size"] is None else group["desired_size"]
    return {
        "clusterName": cluster,
        "nodegroupName": group["name"],
        "nodeRole": role_arn,
        "subnets": list(group["subnet_ids"]),
        "amiType": group["ami_type"],
        "capacityType": {"spot": "SPOT", "capacity_block": "CAPACITY_BLOCK"}.get(group["capacity"], "ON_DEMAND"),
        "scalingConfig": {"minSize": least, "maxSize": most, "desiredSize": wanted},
        "launchTemplate": {"name": template_name(cluster, group["name"]), "version": str(version)},
        "labels": dict(group["labels"]),
        "taints": [taint(one) for one in group["taints"]],
        "updateConfig": {"maxUnavailable": group["max_unavailable"]},
        "nodeRepairConfig": {"enabled": group["repair"]},
        "tags": dict(tags),
    }


def taint(one: Mapping[str, Any]) -> Row:
    """A taint in the words of EKS; those of Kubernetes are accepted."""
    effect = one.get("effect") or "NoSchedule"
    told = {"key": one["key"], "effect": EFFECTS.get(effect, effect)}
    return {**told, "value": str(one["value"])} if one.get("value") is not None else told
