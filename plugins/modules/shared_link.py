#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Make a directory of this node a link to one of a shared file system, which the first node makes of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: shared_link
short_description: Make a directory a link to one of a shared file system
version_added: 0.3.0
description:
  - >-
    The first node that comes makes the shared directory of what it has in its own, under a lock, and in one rename:
    nobody sees it half made. Every node then has a link in the place of its own directory, which stays beside it.
  - The lock is a directory beside the shared one, with its owner and the time at which it ends.
author: awsome.training contributors
options:
  path:
    description: The directory of the node that becomes a link.
    type: path
    required: true
  target:
    description: The directory of the shared file system.
    type: path
    required: true
  mount_point:
    description: A path that must be mounted before anything is made.
    type: path
  expires_seconds:
    description: After how long another node may take the lock away.
    type: int
    default: 120
  wait_seconds:
    description: How long to wait for the lock.
    type: int
    default: 180
attributes:
  check_mode:
    description: Tells what would be done.
    support: full
"""

EXAMPLES = r"""
- name: Share the configuration of all head nodes
  awsome.training.shared_link:
    path: /opt/slurm/etc
    target: /fsx/awsome/slurm/cluster/etc
    mount_point: /fsx
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done.
  returned: always
  type: list
  elements: str
"""

import os
import shutil
import socket
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _shared_lock as lock


def publish(path: Path, target: Path) -> None:
    """Make the shared directory of this node's own, complete before it has its name."""
    draft = target.with_name(f".{target.name}.{socket.gethostname()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o755)
    if path.is_dir():
        shutil.copytree(path, draft, symlinks=True, dirs_exist_ok=True)
        for made in [draft, *draft.rglob("*")]:
            seen = os.lstat(path / made.relative_to(draft))
            os.chown(made, seen.st_uid, seen.st_gid, follow_symlinks=False)
    draft.rename(target)


def link(path: Path, target: Path) -> None:
    """Put a link in the place of the node's own directory, which is kept beside it."""
    if path.is_dir() and not path.is_symlink():
        kept, number = path.with_name(f"{path.name}.of-this-node"), 1
        while kept.exists():
            number += 1
            kept = path.with_name(f"{path.name}.of-this-node-{number}")
        path.rename(kept)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.symlink_to(target)
    draft.replace(path)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "target": {"type": "path", "required": True},
            "mount_point": {"type": "path"},
            "expires_seconds": {"type": "int", "default": 120},
            "wait_seconds": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    path, target, mount, done = Path(wanted["path"]), Path(wanted["target"]), wanted["mount_point"], []
    try:
        if mount and not os.path.ismount(mount):
            raise OSError(f"{mount} is not mounted, and {target} would be made on this node's own disk; mount it first")
        if not target.is_dir():
            done.append(f"make {target}")
            if not module.check_mode:
                target.parent.mkdir(parents=True, exist_ok=True)
                with lock.hold(
                    target.with_name(f".{target.name}.lock"), wanted["expires_seconds"], wanted["wait_seconds"]
                ):
                    if not target.is_dir():
                        publish(path, target)
        if not (path.is_symlink() and path.readlink() == target):
            done.append(f"link {path} to {target}")
            if not module.check_mode:
                link(path, target)
    except OSError as error:
        module.fail_json(msg=f"shared_link: {error}.", changed=bool(done), actions=done)
    module.exit_json(changed=bool(done), actions=done)


if __name__ == "__main__":
    main()
