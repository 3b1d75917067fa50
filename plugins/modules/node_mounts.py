#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Mount a node's network file systems, now and at every boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_mounts
short_description: Mount a node's network file systems, now and at every boot
version_added: 0.2.0
description:
  - Writes a part of C(/etc/fstab) of its own, mounts what is not mounted, and waits a bounded time for each.
  - >-
    A mount that is no longer listed is unmounted if this module wrote it. Lines of C(/etc/fstab) and mounts that others
    made are left alone; if one is in the way, the module fails before it changes anything.
  - Where one mount fails the others are made all the same, and the failure names each that could not be.
author: awsome.training contributors
options:
  mounts:
    description: The file systems.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description: >-
          V(lustre), V(nfs), V(openzfs) for FSx for OpenZFS, or V(bind) for a directory of one of these in another
          place.
        type: str
        choices: [lustre, nfs, openzfs, bind]
        required: true
      source:
        description: What is mounted, C(SERVER@tcp:/NAME) for Lustre, C(SERVER:/PATH) for NFS.
        type: str
        required: true
      path:
        description: Where it is mounted. A directory that is missing is made.
        type: path
        required: true
      options:
        description: Options of mount, one in each item, laid over those of the type.
        type: list
        elements: str
        default: []
  timeout_seconds:
    description: How long to wait for each mount.
    type: int
    default: 60
attributes:
  check_mode:
    description: Tells what would be mounted and unmounted.
    support: full
"""

EXAMPLES = r"""
- name: Mount the shared file system
  awsome.training.node_mounts:
    mounts:
      - {type: lustre, source: "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com@tcp:/abcdefgh", path: /fsx}
      - {type: bind, source: /fsx/home, path: /home}
"""

RETURN = r"""
mounted:
  description: The paths that were, or in check mode would be, mounted.
  returned: success
  type: list
  elements: str
unmounted:
  description: The paths that were, or in check mode would be, unmounted.
  returned: success
  type: list
  elements: str
"""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _mounts as mounts

FSTAB = Path("/etc/fstab")


def command(argv: list[str], seconds: float) -> tuple[bool, str]:
    """Whether it went well, and what it said; nothing where it did not answer, since a hung mount cannot be killed."""
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        try:
            good = running.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)  # mount has helpers
            return False, ""
        said.seek(0)
        return good, said.read().strip() or ("" if good else f"{argv[0]} failed and said nothing")


def unmount(plan: mounts.Plan, seconds: float) -> None:
    for path in plan.unmount:
        good, said = command(["umount", path], seconds)
        if not good:
            told = said or f"no answer within {seconds:g} s"
            raise mounts.MountError(f"{path} cannot be unmounted: {told}; end what uses it there, and run again.")


def mount(plan: mounts.Plan, seconds: float) -> list[str]:
    """Mount, and say what could not be."""
    troubles = []
    for one in plan.mount:
        try:
            Path(one.path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            troubles.append(f"{one.path} cannot be made: {error.strerror}.")
            continue
        good, said = command(["mount", "-t", one.kind, "-o", ",".join(one.options), one.source, one.path], seconds)
        if not good:
            troubles.append(mounts.trouble(one, said, seconds))
    return troubles


def write(text: str) -> None:
    new = FSTAB.with_name(".fstab.awsome")
    new.write_text(text)
    new.chmod(0o644)
    new.replace(FSTAB)


def main() -> None:
    suboptions = {
        "type": {"type": "str", "choices": list(mounts.DEFAULTS), "required": True},
        "source": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "options": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "mounts": {"type": "list", "elements": "dict", "required": True, "options": suboptions},
            "timeout_seconds": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    before = FSTAB.read_text() if FSTAB.exists() else ""
    seconds = module.params["timeout_seconds"]
    try:
        wanted = mounts.judge(module.params["mounts"])
        plan = mounts.plan(wanted, before, mounts.mounted(Path("/proc/self/mountinfo").read_text()))
        if not module.check_mode:
            unmount(plan, seconds)
    except mounts.MountError as error:
        module.fail_json(msg=f"node_mounts: {error}")
    result = {
        "changed": bool(plan.mount or plan.unmount or plan.fstab != before),
        "mounted": [one.path for one in plan.mount],
        "unmounted": list(plan.unmount),
    }
    if not module.check_mode:
        troubles = mount(plan, seconds)
        # What the list says is mounted at the next boot, even where it could not be now.
        if plan.fstab != before:
            write(plan.fstab)
        if troubles:
            module.fail_json(msg=f"node_mounts: {' '.join(troubles)}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
