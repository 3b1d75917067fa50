# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Lock what the catalogue fetches, and mirror it; see plugins/modules/mirror.py for the documentation."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.urls import open_url
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.awsome.training.plugins.module_utils._artifact import ArtifactError
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog, CatalogError, load
from ansible_collections.awsome.training.plugins.module_utils._mirror import plan, roles
from ansible_collections.awsome.training.plugins.module_utils._mirror.net import Net
from ansible_collections.awsome.training.plugins.module_utils._mirror.run import Mirror
from ansible_collections.awsome.training.plugins.module_utils._mirror.store import Store
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError
from ansible_collections.awsome.training.plugins.module_utils._repository import RepositoryError
from ansible_collections.awsome.training.plugins.plugin_utils.role_packages import RoleVariables

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
# A mirror is filled from the vendors, whatever the inventory's nodes use.
_NOT_OURS = {"artifact_mirror_url", "repository_mirror_url", "ansible_facts"}
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
            wanted = self._plan(options, task_vars or {})
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

    def _carry_out(self, mirror: Mirror, wanted: plan.Plan, options: dict[str, Any]) -> dict[str, Any]:
        only_lock = options["state"] == "locked"
        if self._task.check_mode:
            return mirror.foretold(wanted, options["relock"] or only_lock, only_lock)
        opener = functools.partial(open_url, timeout=options["timeout_seconds"], http_agent="awsome.training")
        net = Net(opener, options["attempts"])
        if only_lock:
            return mirror.locked(wanted, net)
        return mirror.downloaded(wanted, net, options["relock"], options["parallel"])

    def _plan(self, options: dict[str, Any], task_vars: dict[str, Any]) -> plan.Plan:
        home = Path(options["collection_path"])
        catalog = load(None if home == COLLECTION else home / "catalog")
        wanted = plan.Plan()
        systems = plan.systems(catalog, options["platforms"], options["architectures"])
        given = {name: value for name, value in task_vars.items() if name not in _NOT_OURS}
        for role in plan.roles_of(catalog, options["profiles"] or plan.image_profiles(catalog)):
            found = roles.options(home / "roles" / role)
            overrides = {one.variable: self._own(given, one.variable) for one in found if one.variable in given}
            for option in found:
                if option.kind == "component":
                    for arch in dict.fromkeys(options["architectures"]):
                        plan.add_component(wanted, catalog, option, arch, overrides)
            for system in systems:
                self._add_packages(
                    wanted, catalog, home / "roles" / role, system, given, overrides, options["packages"]
                )
        unused = set(options["packages"]) - {source.repository.name for source in wanted.sources}
        if unused:
            used = ", ".join(sorted({source.repository.name for source in wanted.sources})) or "none"
            raise MirrorError(
                f"mirror: packages names the repository {sorted(unused)[0]!r}, expected one that a role of the "
                f"profiles uses on these platforms: {used}."
            )
        return wanted

    def _own(self, given: Mapping[str, Any], variable: str) -> Any:
        try:
            return self._templar.template(given[variable])
        except AnsibleError as error:
            raise MirrorError(f"mirror: {variable} cannot be settled without a node: {error}.") from error

    def _add_packages(
        self,
        wanted: plan.Plan,
        catalog: Catalog,
        role: Path,
        system: tuple[Mapping[str, Any], str],
        given: dict[str, Any],
        overrides: dict[str, Any],
        instead: dict[str, list[str]],
    ) -> None:
        """Plan what a role's tasks take from vendors' repositories on one system."""
        found, (platform, arch) = roles.options(role), system
        words = {platform["family"], platform["distribution"], platform["name"]}
        others = {word for row in catalog.platforms.values() for word in (row["family"], row["distribution"])} - words
        for task in roles.package_tasks(role, found, words, others):
            variables = RoleVariables(self._templar, role, platform, arch, given)
            for option in (one for one in found if one.variable in task.variables and one.kind == "repository"):
                for repository in plan.repository_of(wanted, catalog, option, found, system, overrides):
                    who, own = f"{role.name} on {platform['name']} ({arch})", instead.get(repository.name)
                    if own:
                        plan.add_source(wanted, repository, who, required=own)
                    if own is not None:
                        continue
                    names, is_certain = variables.names(task)
                    if names:
                        plan.add_source(wanted, repository, who, **{"names" if is_certain else "assumed": names})
