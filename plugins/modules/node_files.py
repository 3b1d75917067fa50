#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Write several files of a node in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_files
short_description: Write several files of a node in one call
version_added: 0.1.0
description:
  - >-
    Writes small files and makes directories, each with owner and mode, in one call to the node. A file appears whole
    or not at all: it is written beside its place, checked, and renamed.
author: awsome.training contributors
options:
  files:
    description: The files, in the order in which they are written. Parents that are missing are made, mode C(0755).
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where the file lies.
        type: path
        required: true
      state:
        description: Whether it is a file, a directory, or should not be there. A directory is never removed.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description: The text of the file.
        type: str
      content_base64:
        description: The bytes of the file, for what is no text.
        type: str
      owner:
        description: The user who owns it.
        type: str
        default: root
      group:
        description: The group that owns it.
        type: str
        default: root
      mode:
        description: Its mode, octal, as a string. Default V(0644), or V(0755) for a directory.
        type: str
      keep_lines:
        description: >-
          A regular expression. Lines of the present file that match it stay. All lines are then sorted.
        type: str
      secret:
        description: Whether to leave the file out of the diff.
        type: bool
        default: false
      validate:
        description: A command, without a shell, that judges the new text before it takes its place; V(%s) is the path.
        type: str
attributes:
  check_mode:
    description: Tells what would change. An owner who does not exist yet counts as a change then.
    support: full
  diff_mode:
    description: Shows the change of each file that is no secret.
    support: full
"""

EXAMPLES = r"""
- name: Write limits and rights
  awsome.training.node_files:
    files:
      - path: /etc/security/limits.d/60-users.conf
        content: "* - memlock unlimited\n"
      - path: /etc/sudoers.d/60-users
        content: "demo ALL=(ALL:ALL) NOPASSWD: ALL\n"
        mode: "0440"
        validate: visudo -cf %s
"""

RETURN = r"""
changed_paths:
  description: The paths that were, or in check mode would be, changed.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _node_files as node_files


def main() -> None:
    options: dict[str, Any] = {
        "path": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
        "content": {"type": "str"},
        "content_base64": {"type": "str", "no_log": False},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str"},
        "keep_lines": {"type": "str"},
        "secret": {"type": "bool", "default": False, "no_log": False},
        "validate": {"type": "str"},
    }
    spec = {"type": "list", "elements": "dict", "required": True, "options": options}
    spec["mutually_exclusive"] = [("content", "content_base64")]
    module = AnsibleModule(argument_spec={"files": spec}, supports_check_mode=True)

    def judge(argv: list[str]) -> str:
        rc, out, err = module.run_command(argv)
        return "" if rc == 0 else (err or out).strip() or f"exit status {rc}"

    diffs: list[dict[str, str]] = []
    try:
        for entry in module.params["files"]:
            diff = node_files.ensure(entry, judge, module.check_mode)
            if diff:
                diffs.append(diff)
    except (node_files.FileError, OSError) as error:
        module.fail_json(msg=f"node_files: {error}", changed=bool(diffs))
    module.exit_json(changed=bool(diffs), changed_paths=[diff["before_header"] for diff in diffs], diff=diffs)


if __name__ == "__main__":
    main()
