#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Create, change and delete SageMaker HyperPod clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hyperpod_cluster
short_description: Create, change and delete SageMaker HyperPod clusters
version_added: 0.3.0
author: awsome.training contributors
description:
  - Brings a HyperPod cluster, orchestrated by Slurm or Amazon EKS, to a wanted state and waits for it with a bound.
  - >-
    Structures are those of SageMaker's API in snake case, so C(life_cycle_config) for C(LifeCycleConfig); the API's own
    spelling is taken, too. Every request is judged before the first call against the service's model that botocore
    ships, and all faults are told at once. So what the installed botocore knows can be asked for, and nothing else.
  - >-
    A change that HyperPod cannot make in place, such as another orchestrator, VPC or instance type of a group, is
    refused with what to do instead. Check mode tells the calls that would be made.
  - While it waits, it tells how many nodes each group has.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
options:
  name:
    description: The cluster's name.
    type: str
    required: true
  state:
    description: Whether the cluster shall be there.
    type: str
    choices: [present, absent]
    default: present
  instance_groups:
    description:
      - The groups of nodes, as the API's C(ClusterInstanceGroupSpecification).
      - >-
        C(instance_group_name), C(instance_count), C(instance_type) (or C(instance_requirements.instance_types)) and
        C(execution_role) make a group. Of one that is there, only what shall change needs to be given.
      - >-
        C(life_cycle_config) has C(source_s3_uri), C(on_create) and C(on_init_complete). C(slurm_config) has
        C(node_type) (V(Controller), V(Login) or V(Compute)) and C(partition_names). C(kubernetes_config) has C(labels)
        and C(taints).
      - >-
        C(instance_storage_configs) lists C(ebs_volume_config), C(fsx_lustre_config) or C(fsx_open_zfs_config).
        C(override_vpc_config) has C(subnets) and C(security_group_ids).
      - >-
        Further, C(min_instance_count), C(threads_per_core), C(on_start_deep_health_checks), C(training_plan_arn),
        C(image_id), C(image_release_version), C(scheduled_update_config), C(auto_patch_config),
        C(capacity_requirements) and C(network_interface).
    type: list
    elements: dict
  restricted_instance_groups:
    description: Groups for customising Amazon Nova models, as the API's C(ClusterRestrictedInstanceGroupSpecification).
    type: list
    elements: dict
  restricted_instance_groups_config:
    description: What restricted groups share.
    type: dict
  purge_instance_groups:
    description: Delete the groups, with all their nodes, that are not listed.
    type: bool
    default: false
  vpc_config:
    description: C(subnets) and C(security_group_ids) of the nodes. It cannot be changed later.
    type: dict
  orchestrator:
    description: >-
      C(slurm), with C(slurm_config_strategy) (V(Managed), V(Merge) or V(Overwrite)) and C(accounting_database), or
      C(eks) with C(cluster_arn).
    type: dict
  node_recovery:
    description: V(Automatic) reboots or replaces faulty nodes; V(None) leaves that to you.
    type: str
  node_provisioning_mode:
    description: V(Continuous) adds nodes as they can be had and goes on trying; the cluster is in service meanwhile.
    type: str
  tiered_storage_config:
    description: Managed tiered checkpointing, C(mode) and C(instance_memory_allocation_percentage).
    type: dict
  auto_scaling:
    description: C(mode) and C(auto_scaler_type).
    type: dict
  cluster_role:
    description: The ARN of the role that scales the cluster.
    type: str
  software_update:
    description:
      - Update the nodes' software, as the API's C(UpdateClusterSoftware). Nodes restart, and lose their root volume.
      - >-
        C(instance_groups) (each C(instance_group_name) and C(image_release_version); all groups where left out),
        C(image_id), and C(deployment_config) with C(rolling_update_policy), C(wait_interval_in_seconds) and
        C(auto_rollback_configuration).
      - Nothing is done where each of the groups has that version, or, without a version, says that it is up to date.
    type: dict
  delete_nodes:
    description: The instance ids of nodes to delete. One that is gone is no fault.
    type: list
    elements: str
    default: []
  replace_nodes:
    description: The instance ids of nodes to replace by new hardware. All their volumes are lost.
    type: list
    elements: str
    default: []
  reboot_nodes:
    description: The instance ids of nodes to reboot, each time that the task runs.
    type: list
    elements: str
    default: []
  wait:
    description: >-
      Wait until nothing goes on in the cluster any more. Without it, only one call that keeps the cluster busy can be
      made, and whether the cluster came up is not known.
    type: bool
    default: true
  wait_timeout:
    description: For how many seconds to wait after each such call.
    type: int
    default: 5400
  poll_seconds:
    description: How long to wait between the first looks at the cluster; later ones are up to a minute apart.
    type: int
    default: 15
  progress_path:
    description: >-
      A file to which a line is added at each change while it waits. The action plugin sets it and shows the lines.
    type: path
attributes:
  check_mode:
    description: Tells the calls that would be made, and why.
    support: full
"""

EXAMPLES = r"""
- name: Create a Slurm cluster of one controller and four nodes that compute
  awsome.training.hyperpod_cluster:
    name: train
    region: us-west-2
    orchestrator: {slurm: {slurm_config_strategy: Managed}}
    vpc_config: {subnets: [subnet-0123456789abcdef0], security_group_ids: [sg-0123456789abcdef0]}
    node_recovery: Automatic
    instance_groups:
      - instance_group_name: controller
        instance_type: ml.c5.xlarge
        instance_count: 1
        execution_role: arn:aws:iam::123456789012:role/train-hyperpod
        slurm_config: {node_type: Controller}
        life_cycle_config: &boot {source_s3_uri: s3://sagemaker-train/boot, on_create: on_create.sh}
      - instance_group_name: worker
        instance_type: ml.p5.48xlarge
        instance_count: 4
        execution_role: arn:aws:iam::123456789012:role/train-hyperpod
        slurm_config: {node_type: Compute, partition_names: [gpu]}
        life_cycle_config: *boot
        instance_storage_configs: [{ebs_volume_config: {volume_size_in_gb: 500}}]

- name: Scale one group, and leave the others as they are
  awsome.training.hyperpod_cluster:
    name: train
    instance_groups: [{instance_group_name: worker, instance_count: 8}]

- name: Replace a node that is broken
  awsome.training.hyperpod_cluster:
    name: train
    replace_nodes: [i-0123456789abcdef0]

- name: Update the software of one group, a quarter of its nodes at a time
  awsome.training.hyperpod_cluster:
    name: train
    software_update:
      instance_groups: [{instance_group_name: worker}]
      deployment_config:
        rolling_update_policy: {maximum_batch_size: {type: CAPACITY_PERCENTAGE, value: 25}}

- name: Delete the cluster
  awsome.training.hyperpod_cluster: {name: train, state: absent}
"""

RETURN = r"""
plan:
  description: The calls that were, or in check mode would be, made.
  returned: success
  type: list
  elements: dict
  contains:
    operation:
      description: The API's operation.
      type: str
    params:
      description: Its parameters, as the API spells them.
      type: dict
    why:
      description: What differs.
      type: str
cluster:
  description: The cluster as DescribeCluster tells it, in snake case; null where there is none.
  returned: success
  type: dict
log_group:
  description: The CloudWatch log group of the nodes' lifecycle scripts; null where there is no cluster.
  returned: success
  type: str
progress:
  description: What was told while waiting.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import api, wait
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod.run import Run

ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "instance_groups": {"type": "list", "elements": "dict"},
    "restricted_instance_groups": {"type": "list", "elements": "dict"},
    "restricted_instance_groups_config": {"type": "dict"},
    "purge_instance_groups": {"type": "bool", "default": False},
    "vpc_config": {"type": "dict"},
    "orchestrator": {"type": "dict"},
    "node_recovery": {"type": "str"},
    "node_provisioning_mode": {"type": "str"},
    "tiered_storage_config": {"type": "dict"},
    "auto_scaling": {"type": "dict"},
    "cluster_role": {"type": "str"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "software_update": {"type": "dict"},
    "delete_nodes": {"type": "list", "elements": "str", "default": []},
    "replace_nodes": {"type": "list", "elements": "str", "default": []},
    "reboot_nodes": {"type": "list", "elements": "str", "default": []},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 5400},
    "poll_seconds": {"type": "int", "default": 15},
    "progress_path": {"type": "path"},
}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        Run(module).run()
    except wait.WaitError as error:
        module.fail_json(msg=f"hyperpod_cluster: {module.params['name']}: {error}")
    except api.errors() as error:
        module.fail_json_aws(error, msg=f"hyperpod_cluster: {module.params['name']}")


if __name__ == "__main__":
    main()
