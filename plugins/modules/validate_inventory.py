# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Documentation of the action of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: validate_inventory
short_description: Refuse an inventory that cannot become a cluster
version_added: 0.1.0
description:
  - Looks at the groups C(controller), C(login) and C(compute) and at every variable of their hosts, and fails with
    one list of everything that is wrong; each line names the file, the key, the value, what was expected and what to
    do.
  - Finds missing and surplus controllers, hosts without a profile, unknown profiles and instance types, cluster names
    that Slurm refuses, and variables that this collection does not know but that look like one of its own.
  - Runs on the controller, reaches no host, and changes nothing.
author: awsome.training contributors
attributes:
  check_mode:
    description: Can run in check mode; it changes nothing anyway.
    support: full
"""

EXAMPLES = r"""
- name: Judge the inventory
  awsome.training.validate_inventory:
"""

RETURN = r"""
msg:
  description: Everything that is wrong, a sentence a line.
  returned: failure
  type: str
"""
