# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Lock what the catalogue fetches, and mirror it; see plugins/modules/mirror.py for the documentation."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from ansible.module_utils.urls import open_url
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.awsome.training.plugins.module_utils._artifact import ArtifactError
from ansible_collections.awsome.training.plugins.module_utils._catalog import CatalogError, load
from ansible_collections.awsome.training.plugins.module_utils._mirror.net import Net
from ansible_collections.awsome.training.plugins.module_utils._mirror.plan import Plan
from ansible_collections.awsome.training.plugins.module_utils._mirror.run import Mirror
from ansible_collections.awsome.training.plugins.module_utils._mirror.store import Store
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError
from ansible_collections.awsome.training.plugins.module_utils._repository import RepositoryError
from ansible_collections.awsome.training.plugins.plugin_utils.mirror_planner import Planner

COLLECTION = Path(__file__).parents[2]
ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "lock_path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["locked", "downloaded", "checked"], "default": "downloaded"},
    "relock": {"type": "bool", "default": False},
    "profiles": {"type": "list", "elements": "str", "default": []},
    "platforms": {"type": "list", "elements": "str", "default": []},
    "architectures": {"type": "list", "elements": "str", "default": ["x86_64"]},
    "packages": {"type": "dict", "default": {}},
    "parallel": {"type": "int", "default": 4},
    "attempts": {"type": "int", "default": 5},
    "timeout_seconds": {"type": "int", "default": 60},
    "collection_path": {"type": "path", "default": str(COLLECTION)},
}
display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENTS)
        mirror = Mirror(Store(Path(options["path"]).absolute()), Path(options["lock_path"]).absolute())
        try:
            if options["state"] == "checked":
                return mirror.checked()
            home = Path(options["collection_path"])
            catalog = load(None if home == COLLECTION else home / "catalog")
            wanted = Planner(catalog, home, self._templar, task_vars or {}).plan(options)
            result = self._carry_out(mirror, wanted, options)
        except (MirrorError, ArtifactError, CatalogError, RepositoryError) as error:
            text = str(error)
            return {"failed": True, "changed": False, "msg": text if text.startswith("mirror") else f"mirror: {text}"}
        for told in result.get("filled", []):
            display.warning(
                f"mirror: the catalogue has no checksum of {told}: compare this one with the vendor's, and write it "
                f"into catalog/components.yml; until then it is not installed."
            )
        return {**result, "planned": wanted.lines, "skipped_records": sorted(wanted.skipped)}

    def _carry_out(self, mirror: Mirror, wanted: Plan, options: dict[str, Any]) -> dict[str, Any]:
        only_lock = options["state"] == "locked"
        if self._task.check_mode:
            return mirror.foretold(wanted, options["relock"] or only_lock, only_lock)
        opener = functools.partial(open_url, timeout=options["timeout_seconds"], http_agent="awsome.training")
        net = Net(opener, options["attempts"])
        if only_lock:
            return mirror.locked(wanted, net)
        return mirror.downloaded(wanted, net, options["relock"], options["parallel"])
