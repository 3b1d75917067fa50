#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Tell SageMaker HyperPod clusters, their nodes and what happened to them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hyperpod_cluster_info
short_description: Tell SageMaker HyperPod clusters, their nodes and what happened to them
version_added: 0.3.0
author: awsome.training contributors
description:
  - Describes one HyperPod cluster, or every one of the account in the region. It changes nothing.
  - Lists are read to their last page.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
options:
  name:
    description: The cluster's name; every cluster where it is left out. A cluster that is not there is no fault.
    type: str
  nodes:
    description: Also list the nodes.
    type: bool
    default: true
  node_details:
    description: Also describe each node, for its address; that is one call a node.
    type: bool
    default: false
  events:
    description: How many of the last events to tell. Only clusters that provision continuously have any.
    type: int
    default: 0
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Look at a cluster and what happened to it
  awsome.training.hyperpod_cluster_info:
    name: train
    events: 20
  register: hyperpod

- name: Say how to reach its nodes
  ansible.builtin.debug:
    msg: "aws ssm start-session --target {{ item.ssm_target }}"
  loop: "{{ hyperpod.clusters[0].nodes }}"
"""

RETURN = r"""
clusters:
  description: >-
    Each cluster as DescribeCluster tells it in snake case, such as C(cluster_status) and C(instance_groups), and what
    follows.
  returned: success
  type: list
  elements: dict
  contains:
    log_group:
      description: The CloudWatch log group of the nodes' lifecycle scripts.
      type: str
    tags:
      description: The cluster's tags.
      type: dict
    nodes:
      description: >-
        Each node as ListClusterNodes, or DescribeClusterNode, tells it in snake case, with C(ssm_target) for
        C(aws ssm start-session) and C(log_stream) in the log group.
      type: list
      elements: dict
    events:
      description: The last events, newest first.
      type: list
      elements: dict
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.awsome.training.plugins.module_utils._aws import words
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import api, shape

ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "nodes": {"type": "bool", "default": True},
    "node_details": {"type": "bool", "default": False},
    "events": {"type": "int", "default": 0},
}


def told(client: Any, seen: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    name, arn = seen["ClusterName"], seen["ClusterArn"]
    found = words.answer("sagemaker", "DescribeCluster", seen)
    found.update(log_group=shape.log_group(seen), tags=api.tags(client, arn))
    if options["nodes"] or options["node_details"]:
        nodes = api.nodes(client, name)
        listed = words.answer("sagemaker", "ListClusterNodes", {"ClusterNodeSummaries": nodes})[
            "cluster_node_summaries"
        ]
        for one in listed:
            group, instance = one["instance_group_name"], one["instance_id"]
            if options["node_details"]:
                details = {"NodeDetails": api.node(client, name, instance)}
                one.update(words.answer("sagemaker", "DescribeClusterNode", details)["node_details"])
            one["ssm_target"] = shape.ssm_target(arn, group, instance)
            one["log_stream"] = shape.log_stream(group, instance)
        found["nodes"] = listed
    if options["events"] > 0:
        events = {"Events": api.events(client, name, options["events"])}
        found["events"] = words.answer("sagemaker", "ListClusterEvents", events)["events"]
    return found


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        client = api.client(module)
        names = [module.params["name"]] if module.params["name"] else sorted(api.names(client))
        seen = [one for one in (api.describe(client, name) for name in names) if one]
        module.exit_json(changed=False, clusters=[told(client, one, module.params) for one in seen])
    except api.errors() as error:
        module.fail_json_aws(error, msg=f"hyperpod_cluster_info: {module.params['name'] or 'all clusters'}")


if __name__ == "__main__":
    main()
