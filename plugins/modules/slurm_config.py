#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Write the files of Slurm's configuration directory in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slurm_config
short_description: Write the files of Slurm's configuration directory in one call
version_added: 0.1.0
description:
  - Writes all files of a configuration directory in one call. A file appears whole or not at all.
  - A C(slurm.conf) that this collection did not write is never overwritten.
  - >-
    With O(extend), C(slurm.conf) belongs to a service (SageMaker HyperPod, AWS ParallelCluster). The module makes sure
    that it holds one C(include) line for C(awsome.conf), which takes our text, and leaves out of that what the service
    defines already. Nodes and partitions of the service are never defined again.
author: awsome.training contributors
options:
  directory:
    description: Slurm's configuration directory.
    type: path
    required: true
  files:
    description: The text of each file, by name. A null removes a file that this collection wrote.
    type: dict
    required: true
  extend:
    description: Whether C(slurm.conf) belongs to a service and is only extended.
    type: bool
    default: false
  wanted_keys:
    description: Keys that win over the service's own. Of all others the service's stand.
    type: list
    elements: str
    default: []
  owner:
    description: Who owns the files.
    type: str
    default: root
  group:
    description: The group that owns the files.
    type: str
    default: root
  mode:
    description: The mode of the files, octal, as a string.
    type: str
    default: "0644"
attributes:
  check_mode:
    description: Says what would change and changes nothing.
    support: full
  diff_mode:
    description: Shows the difference of every file that changes.
    support: full
"""

EXAMPLES = r"""
- name: Write the configuration
  awsome.training.slurm_config:
    directory: /etc/slurm
    files: "{{ lookup('awsome.training.slurm_cluster', settings={'ClusterName': 'demo'}).files }}"

- name: Add accounting to a slurm.conf that the service wrote
  awsome.training.slurm_config:
    directory: /opt/slurm/etc
    extend: true
    files:
      slurm.conf: |
        AccountingStorageType=accounting_storage/slurmdbd
    wanted_keys: [AccountingStorageType]
"""

RETURN = r"""
changed_files:
  description: The files that were not as wanted, by name.
  returned: always
  type: list
  elements: str
notes:
  description: What a person should know about a service's files, a sentence each.
  returned: always
  type: list
  elements: str
"""

import grp
import pwd
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils._slurm import extend, files


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True},
            "extend": {"type": "bool", "default": False},
            "wanted_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "mode": {"type": "str", "default": "0644"},
        },
        supports_check_mode=True,
    )
    params = module.params
    directory = Path(params["directory"])
    try:
        texts, notes = extend.adopt(
            params["files"], lambda name: files.read(directory / name), params["extend"], params["wanted_keys"]
        )
        owner = pwd.getpwnam(params["owner"]).pw_uid, grp.getgrnam(params["group"]).gr_gid
        mode = int(params["mode"], 8)
        changes = files.changes(directory, texts, owner, mode)
        if not module.check_mode:
            for change in changes:
                files.apply(change, owner, mode)
    except (ValueError, KeyError) as error:
        module.fail_json(msg=f"{directory}: {error.args[0]}")
    except OSError as error:
        module.fail_json(msg=f"{error.filename} cannot be written: {error.strerror}")
    module.exit_json(
        changed=bool(changes),
        changed_files=[change.path.name for change in changes],
        notes=notes,
        diff=[
            {
                "before_header": str(change.path),
                "after_header": str(change.path),
                "before": change.before or "",
                "after": change.after or "",
            }
            for change in changes
        ],
    )


if __name__ == "__main__":
    main()
