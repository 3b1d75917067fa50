# This file is private to the awsome.training collection: do not import it from elsewhere.
"""Plan a mirror from the catalogue and the roles. It needs Ansible's templates, since roles are written in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog
from ansible_collections.awsome.training.plugins.module_utils._mirror import plan, roles
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError
from ansible_collections.awsome.training.plugins.plugin_utils.role_packages import RoleVariables

# A mirror is filled from the vendors, whatever the inventory's nodes use.
_NOT_OURS = {"artifact_mirror_url", "repository_mirror_url", "ansible_facts"}


class Planner:
    def __init__(self, catalog: Catalog, home: Path, templar: Any, variables: Mapping[str, Any]) -> None:
        self.catalog, self.roles, self.templar = catalog, home / "roles", templar
        self.given = {name: value for name, value in variables.items() if name not in _NOT_OURS}
        self.wanted = plan.Plan()
        self.repositories: set[str] = set()

    def plan(self, options: Mapping[str, Any]) -> plan.Plan:
        """`options` are those of the module mirror."""
        systems = plan.systems(self.catalog, options["platforms"], options["architectures"])
        for role in plan.roles_of(self.catalog, options["profiles"] or plan.image_profiles(self.catalog)):
            found = roles.options(self.roles / role)
            overrides = {one.variable: self._settled(one.variable) for one in found if one.variable in self.given}
            for option in found:
                if option.kind == "component":
                    for arch in dict.fromkeys(options["architectures"]):
                        plan.add_component(self.wanted, self.catalog, option, arch, overrides)
            for system in systems:
                self._add_packages(role, found, system, overrides, options["packages"])
        known = sorted({*self.catalog.repositories, *self.repositories})
        unknown = sorted(set(options["packages"]) - set(known))
        if unknown:
            raise MirrorError(
                f"mirror: packages names the repository {unknown[0]!r}, expected one of catalog/repositories.yml: "
                f"{', '.join(known)}."
            )
        return self.wanted

    def _settled(self, variable: str) -> Any:
        try:
            return self.templar.template(self.given[variable])
        except AnsibleError as error:
            raise MirrorError(f"mirror: {variable} cannot be settled without a node: {error}.") from error

    def _add_packages(
        self,
        role: str,
        found: list[roles.Option],
        system: tuple[Mapping[str, Any], str],
        overrides: Mapping[str, Any],
        instead: Mapping[str, list[str]],
    ) -> None:
        """Plan what a role's tasks take from vendors' repositories on one system; `instead` stands in their place."""
        platform, arch = system
        words = {platform["family"], platform["distribution"], platform["name"]}
        rows = self.catalog.platforms.values()
        others = {word for row in rows for word in (row["family"], row["distribution"])} - words
        for task in roles.package_tasks(self.roles / role, found, words, others):
            variables = RoleVariables(self.templar, self.roles / role, platform, arch, self.given)
            for option in (one for one in found if one.variable in task.variables and one.kind == "repository"):
                for repository in plan.repository_of(self.wanted, self.catalog, option, found, system, overrides):
                    self.repositories.add(repository.name)
                    if repository.name in instead:
                        names, kind = instead[repository.name], "required"
                    else:
                        names, is_certain = variables.names(task)
                        kind = "names" if is_certain else "assumed"
                    if names:
                        who = f"{role} on {platform['name']} ({arch})"
                        plan.add_source(self.wanted, repository, who, **{kind: names})
