# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
# This file is private to the awsome.training collection: do not import it from elsewhere.
"""What the actions have in common that ask a node by one command, before or in place of a module."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

# What stands before it on a terminal is not the command's: sudo's warnings, a login's greeting.
BEGINS = "--- answer"


def ask(action: Any, name: str, command: str) -> tuple[int, str]:
    """Exit status and output of a command. One that was not run, as where sudo refuses, fails in words of `name`."""
    answer = action._low_level_execute_command(f"echo '{BEGINS}'; {command}")
    # A command may get a terminal, which ends its lines in its own way.
    before, begun, told = answer["stdout"].replace("\r\n", "\n").partition(f"{BEGINS}\n")
    if not begun:
        said = f"{before} {answer.get('stderr', '')}".strip() or "nothing"
        raise AnsibleActionFail(f"{name}: the node did not run the command; it said: {said}")
    return answer["rc"], told
