# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Refuse an inventory that cannot become a cluster, with everything that is wrong with it in one list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.awsome.training.plugins.module_utils import _catalog, _inventory

ROLES = Path(__file__).parents[2] / "roles"


def _origin(value: Any) -> str | None:
    """Where a value was written, as file:line; ansible-core keeps that since 2.19, in a place it calls internal."""
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return None
    tag = Origin.get_tag(value)
    if tag is None or tag.path is None:
        return None
    return f"{tag.path}:{tag.line_num}" if tag.line_num else str(tag.path)


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        assert task_vars is not None
        hostvars, groups = task_vars["hostvars"], task_vars["groups"]
        sources = ", ".join(task_vars.get("ansible_inventory_sources") or ["inventory"])
        hosts = {host for group in _inventory.FUNCTIONS for host in groups.get(group, [])}
        inventory = _inventory.Inventory(
            groups={name: list(members) for name, members in groups.items()},
            variables={host: _Variables(hostvars[host]) for host in sorted(hosts)},
            where=lambda host, name: _origin(hostvars[host].get(name)) or sources,
        )
        found = _inventory.faults(inventory, _catalog.load(), _inventory.role_options(ROLES))
        if found:
            return {"failed": True, "msg": _listed(sources, found)}
        return {"changed": False}


class _Variables(dict[str, Any]):
    """A host's variables, each templated only when it is asked for: most are never looked at."""

    def __init__(self, variables: Any) -> None:
        super().__init__(dict.fromkeys(variables))
        self._variables = variables

    def __getitem__(self, name: str) -> Any:
        return self._variables[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._variables[name] if name in self else default


def _listed(sources: str, found: list[str]) -> str:
    noun = "fault" if len(found) == 1 else "faults"
    return "\n".join([f"The inventory ({sources}) has {len(found)} {noun}; nothing was changed.", *found])
