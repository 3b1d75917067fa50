# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Give the module the catalogue's rows, which are on the controller; see plugins/modules/eks_node_groups.py for "
"the documentation."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.awsome.training.plugins.module_utils._catalog import CatalogError, load


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        entries = [entry for entry in arguments.get("node_groups") or [] if isinstance(entry, dict)]
        types = {str(entry["instance_type"]) for entry in entries if entry.get("instance_type")}
        arguments["instances"] = {name: _row(name) for name in sorted(types)}
        result.update(self._execute_module("awsome.training.eks_node_groups", arguments, task_vars=task_vars))
        return result


def _row(name: str) -> Any:
    """The row, or the sentence that says why there is none."""
    try:
        return load().instance(name)
    except CatalogError as error:
        return str(error)
