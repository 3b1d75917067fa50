# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Run a workload and follow it to its end; see plugins/modules/workload.py for the documentation."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.awsome.training.plugins.module_utils._launch.follow import Follower

display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._task_vars = task_vars
        arguments = dict(self._task.args)
        submitted = self._ask(arguments)
        if arguments.get("state") != "complete" or self._task.check_mode or submitted.get("failed"):
            return submitted
        look = {"state": "observed", "run_dir": arguments["run_dir"]}
        for key in ("scheduler", "time_limit_minutes"):
            if key in arguments:
                look[key] = arguments[key]
        follower = Follower(
            ask=lambda report: self._ask({**look, "report": report}),
            say=display.display,
            sleep=time.sleep,
            clock=time.monotonic,
            poll_seconds=float(arguments.get("poll_seconds", 3)),
            pending_timeout_seconds=int(arguments.get("pending_timeout_seconds", 600)),
        )
        return {**follower.follow(submitted), "changed": submitted["changed"]}

    def _ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module("awsome.training.workload", arguments, task_vars=self._task_vars)
        return answer
