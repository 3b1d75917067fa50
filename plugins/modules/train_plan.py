#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Resolve a training run before anything is changed: documentation only, the action plugin of this name works."""

from __future__ import annotations

DOCUMENTATION = r"""
module: train_plan
short_description: Resolve a training run before anything is changed
version_added: 0.1.0
author: awsome.training contributors
description:
  - Reads the variables of C(playbooks/train.yml), the workload, the catalogue and the inventory, and settles
    everything that the playbook needs to know.
  - Whatever is wrong ends in one sentence. An option of the playbook that is misspelt on the command line is refused.
  - Changes nothing, and runs on the controlling machine only.
options: {}
attributes:
  check_mode:
    description: Does the same as without.
    support: full
"""

EXAMPLES = r"""
- name: Find every fault before anything is changed
  awsome.training.train_plan:
  register: settled
"""

RETURN = r"""
plan:
  description: What runs, where, and as whom.
  returned: success
  type: dict
"""
