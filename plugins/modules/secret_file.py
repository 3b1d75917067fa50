#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Make a file of random bytes once, and read it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_file
short_description: Make a file of random bytes once, and read it
version_added: 0.1.0
description:
  - Makes the file if it does not exist, and returns what it holds. An existing file is never changed.
  - The bytes come from the kernel and pass through no command line. Give the task C(no_log), since it returns them.
author: awsome.training contributors
options:
  path:
    description: Where the secret lies.
    type: path
    required: true
  size:
    description: How many random bytes to write.
    type: int
    default: 1024
  owner:
    description: The user who owns the file.
    type: str
    default: root
  group:
    description: The group that owns the file.
    type: str
    default: root
  mode:
    description: The mode of the file, octal, as a string.
    type: str
    default: "0400"
attributes:
  check_mode:
    description: Reads a secret that exists; makes none.
    support: full
"""

EXAMPLES = r"""
- name: Make the cluster's key once
  awsome.training.secret_file:
    path: /etc/munge/munge.key
    owner: munge
    group: munge
  no_log: true
"""

RETURN = r"""
content_base64:
  description: What the file holds; absent in check mode where the file does not exist yet.
  returned: when the file exists
  type: str
"""

import base64
import grp
import os
import pwd
import secrets
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def make(path: Path, size: int, owner: str, group: str, bits: int) -> bool:
    """Write the secret beside its place and link it in: of two who try at once, one wins. Say whether this one did."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(size))
            os.fchown(stream.fileno(), pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid)
            os.fchmod(stream.fileno(), bits)
        os.link(name, path)
    except FileExistsError:
        return False
    finally:
        Path(name).unlink()
    return True


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "size": {"type": "int", "default": 1024},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "mode": {"type": "str", "default": "0400"},
        },
        supports_check_mode=True,
    )
    wanted, path = module.params, Path(module.params["path"])
    try:
        changed = not path.exists()
        if changed and module.check_mode:
            module.exit_json(changed=True)
        if changed:
            changed = make(path, wanted["size"], wanted["owner"], wanted["group"], int(wanted["mode"], 8))
        content = path.read_bytes()
    except KeyError:
        module.fail_json(msg=f"secret_file: {path}: no user {wanted['owner']!r} or no group {wanted['group']!r} here.")
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"secret_file: {path}: {error}")
    module.exit_json(changed=changed, content_base64=base64.b64encode(content).decode())


if __name__ == "__main__":
    main()
