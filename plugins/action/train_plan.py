# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Resolve a training run before anything is changed; see plugins/modules/train_plan.py for the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.awsome.training.plugins.module_utils._catalog import CatalogError, load
from ansible_collections.awsome.training.plugins.module_utils._launch import plan
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        known = task_vars or {}
        values = {name: self._templar.template(known[name]) for name in (*plan.OPTIONS, "shared_dir") if name in known}
        try:
            plan.check_names(load_extra_vars(self._loader), known)
            settled = plan.resolve(values, known["groups"], known["hostvars"], load().instance, _read)
        except (SpecError, CatalogError) as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        return {"changed": False, "plan": settled}


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise SpecError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
