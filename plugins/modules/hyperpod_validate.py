# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Documentation of the action of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hyperpod_validate
short_description: Find every fault of a HyperPod cluster before it is made
version_added: 0.3.0
author: awsome.training contributors
description:
  - >-
    Judges a cluster's request, C(provisioning_parameters.json), C(cluster.yml), C(shared_users.txt) and the bundle that
    its nodes boot from, each for itself and against each other. It fails and lists every fault at once, and changes
    nothing.
  - >-
    SageMaker tells such faults one at a time, after half an hour, by nodes that could not boot. AWS is not asked
    anything.
  - Runs on the controller.
options:
  bundle:
    description: >-
      The directory that is uploaded for the nodes, with the lifecycle scripts. Without it, a file that is missing is
      not found.
    type: path
  provisioning_parameters:
    description: >-
      The file, or what it shall hold, where it is not C(provisioning_parameters.json) of O(bundle). A cluster on Slurm
      has one; where there is none, the request is judged alone.
    type: raw
  cluster:
    description: >-
      The options of M(awsome.training.hyperpod_cluster) that make the cluster, such as C(name), C(instance_groups),
      C(vpc_config) and C(orchestrator).
    type: dict
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Judge a bundle and the cluster that shall boot from it
  awsome.training.hyperpod_validate:
    bundle: /srv/bundle
    cluster:
      name: train
      vpc_config: {subnets: [subnet-0123456789abcdef0], security_group_ids: [sg-0123456789abcdef0]}
      instance_groups:
        - instance_group_name: controller
          instance_type: ml.c5.xlarge
          instance_count: 1
          execution_role: arn:aws:iam::123456789012:role/train-hyperpod
          life_cycle_config: {source_s3_uri: s3://sagemaker-train/boot, on_create: on_create.sh}

- name: Judge the one file
  awsome.training.hyperpod_validate:
    provisioning_parameters: provisioning_parameters.json
"""

RETURN = r"""
faults:
  description: Every fault, a sentence each; empty where there is none.
  returned: always
  type: list
  elements: str
"""
