# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Record each role of a node's boot as a step, and print one line for each."""

from __future__ import annotations

DOCUMENTATION = r"""
name: boot_status
type: stdout
short_description: Record each role of a node's boot as a step, and print one line for each
version_added: 0.3.0
author: awsome.training contributors
description:
  - Meant for C(playbooks/boot.yml), which role node_boot's hooks run on a node.
  - >-
    Appends the begin and the end of each step to a file of events, one JSON object a line, and prints one line for
    each step that ends, with its seconds, and one sentence for what failed.
  - What a task with C(no_log) returned is neither printed nor written.
requirements:
  - The environment variables below, which the hook sets; without them nothing is written.
options:
  events:
    description: The file that events are appended to.
    type: str
    env:
      - name: AWSOME_BOOT_EVENTS
  run:
    description: The name of the run, which every event carries.
    type: str
    default: ""
    env:
      - name: AWSOME_BOOT_RUN
  steps:
    description: The steps in their order, as a JSON list of a door and a role each.
    type: str
    default: "[]"
    env:
      - name: AWSOME_BOOT_STEPS
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "awsome.training.boot_status"

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []
        self.step = ""
        self.began = 0.0
        self.changed = 0
        self.error = ""

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self.left = list(json.loads(self.get_option("steps") or "[]"))

    # --- Ansible's events ---------------------------------------------------------------------------------------

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        step = self._step_of(task)
        if step and step != self.step:
            self._end()
            self._begin(step)

    v2_playbook_on_handler_task_start = v2_playbook_on_task_start

    def v2_runner_on_ok(self, result: Any) -> None:
        self.changed += bool(_of(result).get("changed"))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        # A block may yet rescue what failed: only the last word counts, and only if the step does not go on.
        if not ignore_errors:
            self.error = _sentence(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        task = result._task
        if not getattr(task, "ignore_unreachable", False):
            self.error = _sentence(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        bad = any(stats.failures.values()) or any(stats.dark.values())
        if bad and not self.step:
            self._display.display(f"failed before the first step: {self.error}")
        self._end(failed=bad)

    # --- steps --------------------------------------------------------------------------------------------------

    def _step_of(self, task: Any) -> str:
        """The step that a task belongs to: that of the outermost role that is next in the order, or the present one."""
        roles = _roles(task)
        if self.left and self.left[0].split()[1] in roles:
            door, role = self.left[0].split()
            # A role may stand in two steps in a row, install and configure: then the file tells them apart.
            present = self.step.split()
            if not present or present[1] != role or _door(task, role) == door:
                return self.left[0]
        return self.step

    def _begin(self, step: str) -> None:
        self.left.remove(step)
        self.step, self.began, self.changed, self.error = step, time.monotonic(), 0, ""
        self._write("step_begin")

    def _end(self, failed: bool = False) -> None:
        if not self.step:
            return
        seconds = round(time.monotonic() - self.began, 1)
        state = "failed" if failed else "ok"
        self._write("step_end", state=state, seconds=seconds, changed=self.changed, error=self.error if failed else "")
        told = f", {self.changed} changed" if self.changed else ""
        self._display.display(f"{self.step}: {'failed after ' if failed else ''}{seconds} s{told}")
        self.step = ""

    def _write(self, event: str, **more: Any) -> None:
        path = self.get_option("events")
        if not path:
            return
        line = {
            "time": round(time.time(), 3),
            "run": self.get_option("run"),
            "event": event,
            "step": self.step,
            "walk": True,
            **more,
        }
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, sort_keys=True) + "\n")


def _of(result: Any) -> dict[str, Any]:
    return dict(result._result)


def _roles(task: Any) -> list[str]:
    """The roles that a task stands in, innermost first."""
    found, node = [], task
    while node is not None:
        role = getattr(node, "_role", None)
        if role is not None:
            found.append(str(role.get_name()).rpartition(".")[2])
        node = getattr(node, "_parent", None)
    return found


def _door(task: Any, role: str) -> str:
    node = task
    while node is not None:
        path = Path(str(node.get_path() or "").rpartition(":")[0]) if hasattr(node, "get_path") else Path()
        if path.parent.name == "tasks" and path.parents[1].name == role and path.stem in ("install", "configure"):
            return path.stem
        chosen = getattr(node, "_from_files", None) or {}
        if chosen.get("tasks") in ("install", "configure"):
            return str(chosen["tasks"])
        node = getattr(node, "_parent", None)
    return ""


def _sentence(result: Any) -> str:
    """Why a task failed, in its own words; of a loop, the first item's."""
    data = _of(result)
    rows = [row for row in data.get("results") or [] if isinstance(row, dict) and row.get("failed")]
    text = (rows[0] if rows else data).get("msg") or data.get("msg") or data.get("stderr") or "no message"
    words = " ".join(str(text).split())
    name = result._task.get_name().rpartition(" : ")[2]
    return words if words.partition(":")[0] in _roles(result._task) else f"task {name!r}: {words[:1500]}"
