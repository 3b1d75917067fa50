#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Say which of several places a disk is mounted on, and wait for the unit that mounts it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mounted_disk
short_description: Say which of several places a disk is mounted on
version_added: 0.3.0
description:
  - >-
    Returns the first of the paths on which something is mounted. Where none is, it waits as long as a unit that mounts
    one is still on its way, and then fails: what was to lie on that disk would fill the root disk.
  - Changes nothing.
author: awsome.training contributors
options:
  paths:
    description: The places, the best first.
    type: list
    elements: path
    required: true
  units:
    description: Units that mount them. One that the node does not have, that failed or that is done is not waited for.
    type: list
    elements: str
    default: [dlami-nvme.service]
  wait_seconds:
    description: How long to wait at most.
    type: int
    default: 120
  option:
    description: What the failure calls the paths, the variable that they come from.
    type: str
    default: paths
attributes:
  check_mode:
    description: Looks and does not wait.
    support: full
"""

EXAMPLES = r"""
- name: Find the disk for containers
  awsome.training.mounted_disk:
    paths: [/opt/dlami/nvme, /opt/sagemaker]
  register: disk
"""

RETURN = r"""
path:
  description: The first of the paths that is mounted. In check mode, the first of all where none is.
  returned: success
  type: str
"""

import os
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule

# Of a unit that systemd will start, or is starting: what `systemctl show` says. A unit that is off is never waited for.
COMING = {("enabled", "inactive"), ("enabled", "activating"), ("static", "activating"), ("disabled", "activating")}


def first_mounted(paths: list[str]) -> str | None:
    return next((path for path in paths if os.path.ismount(path)), None)


def coming(units: list[str]) -> bool:
    """Whether one of the units may still mount something: it is being started, or has not been tried since the boot."""
    for unit in units:
        words = ["systemctl", "show", "--property=UnitFileState,ActiveState,ConditionTimestampMonotonic", unit]
        said = subprocess.run(words, capture_output=True, text=True)
        facts = dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)
        tried = facts.get("ConditionTimestampMonotonic", "0") not in ("", "0")
        state = (facts.get("UnitFileState", ""), facts.get("ActiveState", ""))
        if state in COMING and (state[1] == "activating" or not tried):
            return True
    return False


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "units": {"type": "list", "elements": "str", "default": ["dlami-nvme.service"]},
            "wait_seconds": {"type": "int", "default": 120},
            "option": {"type": "str", "default": "paths"},
        },
        supports_check_mode=True,
    )
    wanted, paths = module.params, module.params["paths"]
    end = time.monotonic() + (0 if module.check_mode else wanted["wait_seconds"])
    found = first_mounted(paths)
    while found is None and time.monotonic() < end and coming(wanted["units"]):
        time.sleep(0.5)
        found = first_mounted(paths)
    if found is None and not module.check_mode:
        module.fail_json(
            msg=f"{wanted['option']} is {', '.join(paths)}, and nothing is mounted there, so that the root disk would "
            "fill; take an instance type with such a disk, correct the paths, or clear the option."
        )
    module.exit_json(changed=False, path=found or paths[0])


if __name__ == "__main__":
    main()
