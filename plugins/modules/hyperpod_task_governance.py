#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Who gets how much of a HyperPod cluster on EKS, and whose jobs go first."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hyperpod_task_governance
short_description: Teams' quotas and priorities on a HyperPod cluster on EKS
version_added: 0.3.0
author: awsome.training contributors
description:
  - Keeps the scheduler configuration of a cluster and the compute quotas of its teams, as a plan that check mode only
    tells.
  - Needs the EKS add-on C(amazon-sagemaker-hyperpod-taskgovernance) in the cluster.
  - Every request is judged against botocore's model of SageMaker before the first one is sent.
options:
  cluster_arn:
    description: The HyperPod cluster.
    type: str
    required: true
  state:
    description: Whether there are a scheduler configuration and quotas. V(absent) takes all of the cluster's away.
    type: str
    choices: [present, absent]
    default: present
  scheduler:
    description: >-
      C(priority_classes), a list of C(name) and C(weight) (0 to 100), C(fair_share) and C(idle_resource_sharing),
      each V(Enabled) or
      V(Disabled), and C(name) and C(description). Without it the configuration stays as it is.
    type: dict
  teams:
    description: The teams, each with its quota.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The team. Its namespace in Kubernetes is C(hyperpod-ns-<name>).
        type: str
        required: true
      resources:
        description: >-
          What is the team's own: C(instance_type), such as V(ml.p5.48xlarge), and C(count), or C(accelerators),
          C(v_cpu) and
          C(memory_in_gi_b).
        type: list
        elements: dict
        required: true
      fair_share_weight:
        description: Its weight where teams want more than their own, 0 to 100.
        type: int
      sharing:
        description: Whether it lends what it does not use, and borrows.
        type: str
        choices: [Lend, DontLend, LendAndBorrow]
        default: LendAndBorrow
      borrow_limit:
        description: How much it may borrow, in per cent of its own.
        type: int
      preempts:
        description: Whether its jobs of higher priority stop its own of lower priority.
        type: str
        choices: [Never, LowerPriority]
        default: LowerPriority
      enabled:
        description: Whether the quota holds.
        type: bool
        default: true
      description:
        description: A note.
        type: str
  purge:
    description: Whether quotas of teams that are not listed go.
    type: bool
    default: false
  tags:
    description: Tags of what is made.
    type: dict
    default: {}
  wait:
    description: Whether to wait until changes have taken.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Two teams, one of which comes first where both want more
  awsome.training.hyperpod_task_governance:
    cluster_arn: arn:aws:sagemaker:us-east-1:123456789012:cluster/abcdefghij12
    region: us-east-1
    scheduler:
      priority_classes: [{name: training, weight: 90}, {name: experiments, weight: 10}]
      fair_share: Enabled
    teams:
      - {name: llm, fair_share_weight: 80, resources: [{instance_type: ml.p5.48xlarge, count: 6}]}
      - {name: vision, fair_share_weight: 20, resources: [{instance_type: ml.p5.48xlarge, count: 2}]}
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
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.awsome.training.plugins.module_utils._aws.eks.action import Refused
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import api as sagemaker
from ansible_collections.awsome.training.plugins.module_utils._aws.task_governance import api, plan, wait

TEAM = {
    "name": {"type": "str", "required": True},
    "resources": {"type": "list", "elements": "dict", "required": True},
    "fair_share_weight": {"type": "int"},
    "sharing": {"type": "str", "choices": ["Lend", "DontLend", "LendAndBorrow"], "default": "LendAndBorrow"},
    "borrow_limit": {"type": "int"},
    "preempts": {"type": "str", "choices": ["Never", "LowerPriority"], "default": "LowerPriority"},
    "enabled": {"type": "bool", "default": True},
    "description": {"type": "str"},
}
OPTIONS = {
    "cluster_arn": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "scheduler": {"type": "dict"},
    "teams": {"type": "list", "elements": "dict", "default": [], "options": TEAM},
    "purge": {"type": "bool", "default": False},
    "tags": {"type": "dict", "default": {}},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=OPTIONS, supports_check_mode=True)
    options, client, progress = module.params, sagemaker.client(module), list[str]()
    try:
        seen = api.seen(client, options["cluster_arn"])
        absent = options["state"] == "absent"
        actions = plan.removal(seen) if absent else plan.plan(options, seen)
        if not module.check_mode:
            for action in actions:
                sagemaker.call(client, action.operation, **action.params)
            if options["wait"] and actions:
                wait.settled(client, options["cluster_arn"], options["wait_timeout"], progress.append)
    except Refused as error:
        module.fail_json(msg=f"hyperpod_task_governance: {error}", faults=error.faults)
    except wait.WaitError as error:
        module.fail_json(msg=str(error), progress=progress)
    except sagemaker.errors() as error:
        module.fail_json_aws(error, msg=f"SageMaker refused a call for {options['cluster_arn']}")
    module.exit_json(changed=bool(actions), actions=[one.told() for one in actions], progress=progress)


if __name__ == "__main__":
    main()
