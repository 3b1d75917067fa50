#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""An EKS cluster: its control plane, who may come in, and its add-ons."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_cluster
short_description: An EKS cluster, who may come in, and its add-ons
version_added: 0.3.0
author: awsome.training contributors
description:
  - Makes a cluster and brings one that exists to what is wanted, as a plan that check mode only tells.
  - Every request is judged against botocore's model of EKS before the first one is sent.
  - Access is by access entries (C(authenticationMode) is V(API)), and pods get roles by pod identities.
options:
  name:
    description: The cluster.
    type: str
    required: true
  state:
    description: Whether it is there. Add-ons and access entries go with it; its node groups must be gone.
    type: str
    choices: [present, absent]
    default: present
  version:
    description: Kubernetes' version, such as V(1.34). Without one a new cluster gets the one that EKS prefers.
    type: str
  role_arn:
    description: The role of the control plane. Needed unless O(state=absent).
    type: str
  subnet_ids:
    description: Subnets in at least two availability zones.
    type: list
    elements: str
    default: []
  security_group_ids:
    description: Security groups of the control plane's interfaces, beside the one that EKS makes.
    type: list
    elements: str
    default: []
  endpoint_private_access:
    description: Whether the endpoint is reached from within the VPC.
    type: bool
    default: true
  endpoint_public_access:
    description: Whether the endpoint is reached from outside, then from O(public_access_cidrs) only.
    type: bool
    default: false
  public_access_cidrs:
    description: Networks that reach the public endpoint. The whole world is refused.
    type: list
    elements: str
    default: []
  secrets_key_arn:
    description: A KMS key that encrypts Kubernetes' secrets.
    type: str
  log_types:
    description: What the control plane logs to CloudWatch.
    type: list
    elements: str
    choices: [api, audit, authenticator, controllerManager, scheduler]
    default: [api, audit, authenticator, controllerManager, scheduler]
  creator_is_admin:
    description: Whether who makes the cluster administers it. It counts when the cluster is made.
    type: bool
    default: true
  access_entries:
    description: Who may come in. Entries that are not listed stay as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      principal_arn:
        description: An IAM role or user.
        type: str
        required: true
      type:
        description: The entry's type, as EKS names it.
        type: str
        default: STANDARD
      groups:
        description: Kubernetes' groups that it belongs to.
        type: list
        elements: str
      policies:
        description: Access policies of EKS. Those that are not listed are taken away.
        type: list
        elements: dict
        suboptions:
          name:
            description: The policy's name, such as V(AmazonEKSClusterAdminPolicy), or its ARN.
            type: str
            required: true
          namespaces:
            description: Where it holds; without any, in the whole cluster.
            type: list
            elements: str
  addons:
    description: Add-ons of EKS. Those that are not listed stay as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The add-on, such as V(vpc-cni).
        type: str
        required: true
      version:
        description: Its version; without one EKS takes its default for the cluster's Kubernetes.
        type: str
      configuration:
        description: Its configuration values.
        type: dict
      identities:
        description: IAM roles, by the service accounts that assume them.
        type: dict
  tags:
    description: Tags of what is made.
    type: dict
    default: {}
  wait:
    description: Whether to wait until changes have taken.
    type: bool
    default: true
  wait_for_addons:
    description: Whether to wait until the add-ons run, too. They need nodes.
    type: bool
    default: false
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
- name: Make a cluster that is reached from its VPC only
  awsome.training.eks_cluster:
    name: train
    region: us-east-1
    role_arn: arn:aws:iam::123456789012:role/train-eks-cluster
    subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    access_entries:
      - principal_arn: arn:aws:iam::123456789012:role/researcher
        policies: [{name: AmazonEKSEditPolicy, namespaces: [training]}]
    addons: [{name: vpc-cni}, {name: kube-proxy}, {name: coredns}]
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
cluster:
  description: The cluster, as EKS tells it, in its words.
  returned: when there is one
  type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.awsome.training.plugins.module_utils._aws.eks import action, cluster_plan, wait
from ansible_collections.awsome.training.plugins.module_utils._aws.eks.api import RETRY, Api, ApiError

POLICY = {"name": {"type": "str", "required": True}, "namespaces": {"type": "list", "elements": "str"}}
ENTRY = {
    "principal_arn": {"type": "str", "required": True},
    "type": {"type": "str", "default": "STANDARD"},
    "groups": {"type": "list", "elements": "str"},
    "policies": {"type": "list", "elements": "dict", "options": POLICY},
}
ADDON = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str"},
    "configuration": {"type": "dict"},
    "identities": {"type": "dict"},
}
STRINGS = {"type": "list", "elements": "str", "default": []}
OPTIONS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "version": {"type": "str"},
    "role_arn": {"type": "str"},
    "subnet_ids": STRINGS,
    "security_group_ids": STRINGS,
    "endpoint_private_access": {"type": "bool", "default": True},
    "endpoint_public_access": {"type": "bool", "default": False},
    "public_access_cidrs": STRINGS,
    "secrets_key_arn": {"type": "str", "no_log": False},
    "log_types": {**STRINGS, "choices": list(cluster_plan.LOGS), "default": list(cluster_plan.LOGS)},
    "creator_is_admin": {"type": "bool", "default": True},
    "access_entries": {"type": "list", "elements": "dict", "default": [], "options": ENTRY},
    "addons": {"type": "list", "elements": "dict", "default": [], "options": ADDON},
    "tags": {"type": "dict", "default": {}},
    "wait": {"type": "bool", "default": True},
    "wait_for_addons": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 3600},
}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=OPTIONS, supports_check_mode=True, required_if=[("state", "present", ["role_arn", "subnet_ids"])]
    )
    name, progress = module.params["name"], list[str]()
    api = Api({"eks": module.client("eks", retry_decorator=RETRY)})
    waiter = wait.Waiter(api, module.params["wait_timeout"], progress.append) if module.params["wait"] else None
    try:
        seen = api.cluster(name)
        absent = module.params["state"] == "absent"
        actions = cluster_plan.removal(name, seen) if absent else cluster_plan.plan(module.params, seen)
        faults = action.faults(actions)
        if faults:
            raise action.Refused(faults)
        changed = action.needed(actions)
        if not module.check_mode:
            wait.carry_out(api, actions, waiter)
            seen = api.cluster(name) if changed else seen
    except action.Refused as error:
        module.fail_json(msg=str(error), faults=error.faults)
    except (ApiError, wait.TimedOut) as error:
        module.fail_json(msg=str(error), progress=progress)
    module.exit_json(changed=changed, actions=[one.told() for one in actions], progress=progress, cluster=seen)


if __name__ == "__main__":
    main()
