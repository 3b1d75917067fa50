# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Documentation of the action of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_bundle
short_description: Make the bundle that nodes boot from
version_added: 0.3.0
description:
  - >-
    Writes a directory that is uploaded as it is: the provider's hooks, the boot package, the user's data files, and
    C(bundle.tar.gz) with its checksum, which holds this collection, those that its roles need, ansible-core, and what
    nodes fetch otherwise.
  - Judges C(cluster.yml) first and lists every fault. A misspelt variable of a role is one.
  - The same input gives the same bytes. Files of the directory that are no part of the bundle are removed.
  - Runs on the controller.
author: awsome.training contributors
options:
  path:
    description: The directory.
    type: path
    required: true
  provider:
    description: Whose nodes boot from it.
    type: str
    choices: [hyperpod, parallelcluster, eks, batch]
    default: hyperpod
  cluster:
    description:
      - What nodes are to be, C(cluster.yml).
      - >-
        C(features) switches roles of the profiles on and off, C(variables) are variables of roles for all nodes, and
        C(groups) those of controller, login and compute nodes.
    type: dict
    default: {}
  parameters:
    description: SageMaker HyperPod's C(provisioning_parameters.json).
    type: dict
    default: {}
  users:
    description: C(shared_users.txt), each with C(name), C(uid) and C(home).
    type: list
    elements: dict
    default: []
  pythons:
    description: The versions of Python that nodes may have.
    type: list
    elements: str
    default: ["3.11", "3.12", "3.13"]
  architectures:
    description: The architectures of the nodes.
    type: list
    elements: str
    choices: [x86_64, aarch64]
    default: [x86_64]
  wheel_dir:
    description: Where the wheels of ansible-core and its dependencies are kept; pip fetches those that are missing.
    type: path
    required: true
  mirror:
    description: A mirror that playbooks/mirror.yml made, to be put into the bundle.
    type: path
attributes:
  check_mode:
    description: Tells which files would change.
    support: full
"""

EXAMPLES = r"""
- name: Make a bundle for HyperPod
  awsome.training.boot_bundle:
    path: /srv/bundle
    wheel_dir: /srv/wheels
    parameters:
      version: 1.0.0
      workload_manager: slurm
      controller_group: controller-machine
      worker_groups: [{instance_group_name: worker-group-1, partition_name: dev}]
    cluster:
      features: {containers: false}
      variables: {slurm_config: {MaxArraySize: 2000}}
"""

RETURN = r"""
changed_files:
  description: The files that were written or removed.
  returned: always
  type: list
  elements: str
files:
  description: The files of the bundle.
  returned: always
  type: list
  elements: str
sha256:
  description: The checksum of C(bundle.tar.gz).
  returned: always
  type: str
size:
  description: The size of C(bundle.tar.gz) in bytes.
  returned: always
  type: int
"""
