# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Ask a node what it lacks, and send it the module only then; see plugins/modules/packages.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.awsome.training.plugins.module_utils import _packages as packages
from ansible_collections.awsome.training.plugins.module_utils._packages_options import OPTIONS
from ansible_collections.awsome.training.plugins.module_utils._repository import RepositoryError, judge
from ansible_collections.awsome.training.plugins.plugin_utils.asking import ask


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(OPTIONS)
        variables = task_vars or {}
        manager = options["manager"] or variables.get("ansible_facts", {}).get("pkg_mgr")
        if manager is None:
            return _failed("packages: the node has no fact pkg_mgr; gather the subset 'min' first.")
        try:
            # An empty repository is none.
            repository = judge(options["repository"], manager) if options["repository"] else None
            question = packages.question(manager, options["name"], repository, hold=options["hold"])
            # Most runs end here, after one cheap question that needs no Python on the node.
            seen = packages.read(ask(self, "packages", question)[1])
            plan = packages.plan(manager, options["name"], repository, seen, hold=options["hold"])
        except RepositoryError as error:
            return _failed(f"packages: {error}")
        except packages.PackageError as error:
            return _failed(str(error))
        if not plan["changed"] or self._task.check_mode:
            return plan
        arguments = {**options, "manager": manager}
        result: dict[str, Any] = self._execute_module("awsome.training.packages", arguments, task_vars=variables)
        return result


def _failed(message: str) -> dict[str, Any]:
    return {"failed": True, "msg": message}
