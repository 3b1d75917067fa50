#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Managed node groups of an EKS cluster, with all the EFA that their instance types have."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_node_groups
short_description: Managed node groups of an EKS cluster, with EFA
version_added: 0.3.0
author: awsome.training contributors
description:
  - Makes a launch template, a placement group where one is wanted, and a managed node group for each entry, from the
    catalogue's row of its
    instance type; brings what exists to what is wanted, as a plan that check mode only tells.
  - All faults of all entries are told at once, before anything is made.
options:
  cluster_name:
    description: The cluster, which exists.
    type: str
    required: true
  state:
    description: >-
      Whether the groups are there. With V(absent) and no O(node_groups), all of the cluster's groups go. V(judged)
      only tells what is wrong
      with O(node_groups), also before there is a cluster.
    type: str
    choices: [present, absent, judged]
    default: present
  node_groups:
    description: The groups. Groups of the cluster that are not listed stay as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The group.
        type: str
        required: true
      instance_type:
        description: A type that the catalogue knows.
        type: str
        required: true
      min_size:
        description: Nodes at least.
        type: int
      max_size:
        description: Nodes at most; without it, the larger of the other two, and one.
        type: int
      desired_size:
        description: >-
          Nodes wanted. Without it a new group has O(node_groups[].min_size), and one that exists keeps what it has.
        type: int
      capacity:
        description: Where nodes come from. V(reservation) is an on-demand capacity reservation.
        type: str
        choices: [on_demand, reservation, capacity_block, spot]
      capacity_reservation_id:
        description: The reservation, or that of the capacity block.
        type: str
      capacity_reservation_group_arn:
        description: A resource group of reservations.
        type: str
      efa:
        description: Whether the nodes have EFA, all that the type has. Without it, they do where the type does.
        type: bool
      placement:
        description: >-
          V(cluster) puts the nodes near each other. Without it, that is so for nodes with EFA, unless they are of a
          capacity block, which
          AWS places near each other by itself.
        type: str
        choices: [cluster, none]
      placement_group:
        description: A placement group that exists; without one, a group gets its own.
        type: str
      subnet_ids:
        description: Subnets of the group, instead of O(subnet_ids).
        type: list
        elements: str
      ami_type:
        description: EKS' name of the AMI; without it, AL2023 for the type's accelerator and architecture.
        type: str
      volume_gib:
        description: The size of the root volume, which is encrypted; without it 200.
        type: int
      local_storage:
        description: What becomes of local disks; without it V(RAID0) where the type has some.
        type: str
        choices: [RAID0, mount, none]
      labels:
        description: Labels of the nodes, beside those that this collection sets.
        type: dict
      taints:
        description: >-
          Taints of the nodes: C(key), C(value) and C(effect). Without it, nodes with accelerators keep pods away that
          do not ask for them.
        type: list
        elements: dict
      repair:
        description: Whether EKS replaces nodes that its monitoring agent finds broken; it does unless told otherwise.
        type: bool
      max_unavailable:
        description: How many nodes an update may take at once; without it one.
        type: int
      user_data:
        description: Shell scripts that a node runs before it joins.
        type: list
        elements: str
  instances:
    description: The catalogue's rows of the groups' instance types. The action plugin fills them in; leave it out.
    type: dict
    default: {}
  role_arn:
    description: The nodes' role. Needed unless O(state=absent).
    type: str
  subnet_ids:
    description: The subnets of groups that name none.
    type: list
    elements: str
    default: []
  security_group_ids:
    description: >-
      Security groups of the nodes, beside the cluster's own. EFA needs one that lets all traffic of its own through.
    type: list
    elements: str
    default: []
  tags:
    description: Tags of what is made.
    type: dict
    default: {}
  wait:
    description: Whether to wait until the groups are ready.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait at most, all in all.
    type: int
    default: 3600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Eight nodes of a capacity block, and two that run what the cluster itself needs
  awsome.training.eks_node_groups:
    cluster_name: train
    region: us-east-1
    role_arn: arn:aws:iam::123456789012:role/train-eks-node
    subnet_ids: [subnet-0123456789abcdef0]
    node_groups:
      - {name: system, instance_type: m7i.2xlarge, min_size: 2}
      - name: train
        instance_type: p5.48xlarge
        min_size: 8
        capacity: capacity_block
        capacity_reservation_id: cr-0123456789abcdef0
"""

RETURN = r"""
actions:
  description: What was done, or would be.
  returned: always
  type: list
  elements: dict
progress:
  description: What was seen while waiting.
  returned: always
  type: list
  elements: str
node_groups:
  description: The cluster's groups by name, as EKS tells them, in its words.
  returned: always
  type: dict
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.awsome.training.plugins.module_utils._aws.eks import action, groups, groups_plan, wait
from ansible_collections.awsome.training.plugins.module_utils._aws.eks.api import RETRY, Api, ApiError

STRING, NUMBER, STRINGS = {"type": "str"}, {"type": "int"}, {"type": "list", "elements": "str"}
GROUP = {
    "name": {"type": "str", "required": True},
    "instance_type": {"type": "str", "required": True},
    **dict.fromkeys(("min_size", "max_size", "desired_size", "volume_gib", "max_unavailable"), NUMBER),
    "capacity": {"type": "str", "choices": list(groups.CAPACITIES)},
    **dict.fromkeys(
        ("capacity_reservation_id", "capacity_reservation_group_arn", "placement_group", "ami_type"), STRING
    ),
    "efa": {"type": "bool"},
    "repair": {"type": "bool"},
    "placement": {"type": "str", "choices": ["cluster", "none"]},
    "local_storage": {"type": "str", "choices": ["RAID0", "mount", "none"]},
    "subnet_ids": STRINGS,
    "user_data": STRINGS,
    "labels": {"type": "dict"},
    "taints": {"type": "list", "elements": "dict"},
}
OPTIONS = {
    "cluster_name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "judged"], "default": "present"},
    "node_groups": {"type": "list", "elements": "dict", "default": [], "options": GROUP},
    "instances": {"type": "dict", "default": {}},
    "role_arn": {"type": "str"},
    "subnet_ids": {**STRINGS, "default": []},
    "security_group_ids": {**STRINGS, "default": []},
    "tags": {"type": "dict", "default": {}},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 3600},
}


def planned(api: Api, wanted: dict[str, Any], seen: dict[str, Any], only_plans: bool) -> list[action.Action]:
    """What there is to do, checked as far as it can be before anything is done."""
    name, entries = wanted["cluster_name"], wanted["node_groups"]
    if wanted["state"] == "absent":
        return groups_plan.removal(name, [entry["name"] for entry in entries] or sorted(seen["nodegroups"]), seen)
    cluster = api.find("DescribeCluster", "cluster", name=name)
    subnets = [*wanted["subnet_ids"], *(one for entry in entries for one in entry["subnet_ids"] or [])]
    zones = api.subnets(subnets)
    if cluster is None and only_plans:
        # A plan before there is anything: what is not there yet is no fault.
        cluster = {"resourcesVpcConfig": {}, "version": None}
        zones = {one: zones.get(one, "planned") for one in subnets}
    settled = groups_plan.settle(entries, wanted["instances"], wanted["subnet_ids"], zones)
    if wanted["state"] == "judged":
        return []
    if cluster is None:
        raise action.Refused([f"eks_node_groups: there is no cluster {name}; make it first, or correct cluster_name."])
    own = cluster["resourcesVpcConfig"].get("clusterSecurityGroupId")
    security = [*([own] if own else []), *wanted["security_group_ids"]]
    told = (wanted["instances"], wanted["role_arn"], security, wanted["tags"], cluster["version"])
    return groups_plan.plan(name, settled, seen, *told)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=OPTIONS, supports_check_mode=True, required_if=[("state", "present", ["role_arn"])]
    )
    wanted, progress = module.params, list[str]()
    api = Api({service: module.client(service, retry_decorator=RETRY) for service in ("eks", "ec2")})
    waiter = wait.Waiter(api, wanted["wait_timeout"], progress.append) if wanted["wait"] else None
    names = [entry["name"] for entry in wanted["node_groups"]]
    try:
        seen = api.groups(wanted["cluster_name"], names)
        actions = planned(api, wanted, seen, module.check_mode)
        faults = action.faults(actions)
        if faults:
            raise action.Refused(faults)
        changed = action.needed(actions)
        if not module.check_mode:
            wait.carry_out(api, actions, waiter)
            seen = api.groups(wanted["cluster_name"], names) if changed else seen
    except action.Refused as error:
        module.fail_json(msg=str(error), faults=error.faults)
    except (ApiError, wait.TimedOut) as error:
        module.fail_json(msg=str(error), progress=progress)
    told = [one.told() for one in actions]
    module.exit_json(changed=changed, actions=told, progress=progress, node_groups=seen["nodegroups"])


if __name__ == "__main__":
    main()
