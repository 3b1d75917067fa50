# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Ask a node by a command that changes nothing; see plugins/modules/node_ask.py for the documentation."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.plugins.action import ActionBase

# What stands before it on a terminal is not the command's: sudo's warnings, a login's greeting.
BEGINS = "--- answer"


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec({"argv": {"type": "list", "elements": "str", "required": True}})
        command = f"echo '{BEGINS}'; LC_ALL=C {shlex.join(options['argv'])} 2>/dev/null </dev/null"
        answer = self._low_level_execute_command(command)
        # A command may get a terminal, which ends its lines in its own way.
        before, begun, told = answer["stdout"].replace("\r\n", "\n").partition(f"{BEGINS}\n")
        if not begun:
            said = f"{before} {answer.get('stderr', '')}".strip() or "nothing"
            return {"failed": True, "msg": f"node_ask: the node did not run the command; it said: {said}"}
        told = told.rstrip("\n")
        # Without the first word Ansible would take any exit status but 0 for a failure.
        return {
            "failed": False,
            "changed": False,
            "rc": answer["rc"],
            "stdout": told,
            "stdout_lines": told.splitlines(),
        }
