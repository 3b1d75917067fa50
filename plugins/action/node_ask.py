# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Ask a node by a command that changes nothing; see plugins/modules/node_ask.py for the documentation."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.awsome.training.plugins.plugin_utils.asking import ask


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec({"argv": {"type": "list", "elements": "str", "required": True}})
        command = f"LC_ALL=C {shlex.join(options['argv'])} 2>/dev/null </dev/null"
        status, told = ask(self, "node_ask", command)
        told = told.rstrip("\n")
        # Without the first word Ansible would take any exit status but 0 for a failure.
        return {
            "failed": False,
            "changed": False,
            "rc": status,
            "stdout": told,
            "stdout_lines": told.splitlines(),
        }
