# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Find every fault of a HyperPod cluster; see plugins/modules/hyperpod_validate.py for the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import bootable, provisioning, shape
from ansible_collections.awsome.training.plugins.module_utils._aws.shape import meant
from ansible_collections.awsome.training.plugins.module_utils._boot import cluster

ARGUMENTS = {
    "bundle": {"type": "path"},
    "provisioning_parameters": {"type": "raw"},
    "cluster": {"type": "dict"},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENTS)
        faults = _faults(options)
        if not faults:
            return {"changed": False, "faults": []}
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        return {
            "failed": True,
            "changed": False,
            "faults": faults,
            "msg": "\n".join([f"hyperpod_validate: {count}.", *faults]),
        }


def _faults(options: dict[str, Any]) -> list[str]:
    bundle = Path(options["bundle"]) if options["bundle"] else None
    if bundle and not bundle.is_dir():
        return [f"bundle is {bundle}, expected a directory; make it by role node_boot."]
    named, text = options["provisioning_parameters"], None
    path = None if isinstance(named, dict) else Path(named) if named else bundle and bundle / bootable.NAME
    if isinstance(named, dict):
        text, path = json.dumps(named), Path(bootable.NAME)
    elif path and (named or path.exists()):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return [f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."]
    request, strange = None, []
    if options["cluster"] is not None:
        known = [*shape.OTHERS, *shape.CLUSTER]
        strange = [
            f"{key}: is no option of hyperpod_cluster{meant(key, known)}"
            for key in options["cluster"]
            if key not in known
        ]
        request = shape.wanted({"name": None, **options["cluster"]})
    files = {one.relative_to(bundle).as_posix() for one in bundle.rglob("*") if one.is_file()} if bundle else None
    found = strange + provisioning.faults(text, request, files, str(path))
    return found + (list(cluster.judged(bundle, "hyperpod").faults) if bundle and text is not None else [])
