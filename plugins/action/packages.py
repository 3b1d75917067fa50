# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Install packages without starting what they bring; see plugins/modules/packages.py for the documentation."""

from __future__ import annotations

import shlex
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.awsome.training.plugins.module_utils import _packages as packages

display = Display()

ARGUMENTS = {
    "name": {"type": "list", "elements": "str", "required": True},
    "recommends": {"type": "bool", "default": False},
    "lock_timeout_seconds": {"type": "int", "default": 600},
    "cache_valid_seconds": {"type": "int", "default": 86400},
    "attempts": {"type": "int", "default": 3},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENTS)
        manager = (task_vars or {}).get("ansible_facts", {}).get("pkg_mgr")
        if manager is None:
            return _failed("packages: the node has no fact pkg_mgr; gather the subset 'min' first.")
        try:
            asked = packages.query(manager, options["name"])
        except packages.PackageError as error:
            return _failed(str(error))

        # Most runs end here, after one cheap question: the archive's index is opened only when something is missing.
        answer = self._low_level_execute_command(shlex.join(asked))
        missing = packages.missing(options["name"], answer["stdout"])
        if not missing or self._task.check_mode:
            return {"changed": bool(missing), "missing": missing}
        return {**self._install(manager, missing, options, task_vars), "missing": missing}

    def _install(self, manager: str, names: list[str], options: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for turn, pause in enumerate([0.0, *packages.pauses(options["attempts"])]):
            if pause and not packages.is_stale_index(str(result.get("msg"))):
                display.warning(f"packages: {result.get('msg', 'no answer')}; trying again in {pause:g} s")
                time.sleep(pause)
            arguments = packages.arguments(manager, names, options, refresh=turn > 0)
            result = self._execute_module(f"ansible.legacy.{manager}", arguments, task_vars=task_vars)
            if not result.get("failed"):
                break
        return result


def _failed(message: str) -> dict[str, Any]:
    return {"failed": True, "msg": message}
