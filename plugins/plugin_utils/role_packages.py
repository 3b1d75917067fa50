# This file is private to the awsome.training collection: do not import it from elsewhere.
"""What a role's tasks would ask of a vendor's repository on a system that is not at hand: their templates, settled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible_collections.awsome.training.plugins.module_utils import _repository as repository
from ansible_collections.awsome.training.plugins.module_utils._catalog import vars_files
from ansible_collections.awsome.training.plugins.module_utils._mirror.roles import PackageTask
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

try:
    from ansible.template import trust_as_template as _trust
except ImportError:  # before ansible-core 2.19 every string is a template

    def _trust(text: str) -> str:
        return text


_FAMILIES = {"debian": "Debian", "redhat": "RedHat"}
_DISTRIBUTIONS = {"redhat": "RedHat"}


def facts(platform: Mapping[str, Any], arch: str) -> dict[str, Any]:
    """What the subset `min` of facts says on a fresh machine of a platform."""
    distribution = _DISTRIBUTIONS.get(platform["distribution"], platform["distribution"].capitalize())
    return {
        "architecture": arch,
        "distribution": distribution,
        "distribution_major_version": platform["major"],
        "os_family": _FAMILIES[platform["family"]],
        "pkg_mgr": repository.MANAGERS[platform["family"]],
        "system": "Linux",
        **({"distribution_release": platform["suite"]} if "suite" in platform else {}),
    }


class RoleVariables:
    """A role's defaults, the user's variables and the role's vars for one system, in Ansible's order."""

    def __init__(
        self, templar: Any, role: Path, platform: Mapping[str, Any], arch: str, given: Mapping[str, Any]
    ) -> None:
        known = facts(platform, arch)
        ladder = vars_files(role, known["os_family"], known["distribution"], known["distribution_major_version"])
        main = [path for path in [role / "vars/main.yml"] if path.is_file()]
        self.values: dict[str, Any] = {}
        for path in [role / "defaults/main.yml", None, *main, *ladder]:
            self.values |= dict(given) if path is None else trusted(yaml.safe_load(path.read_text()) or {})
        self.values["ansible_facts"] = known
        self.templar = templar.copy_with_new_env(available_variables=self.values)

    def names(self, task: PackageTask) -> tuple[list[str], bool]:
        """The packages that a task names, none if a condition is not met, and whether all of its conditions are met."""
        self.templar.available_variables = {**self.values, **trusted(dict(task.vars))}
        conditions = [self._holds(condition) for condition in task.when]
        if False in conditions:
            return [], True
        try:
            found = []
            for item in self.templar.template(trusted(task.loop)) if task.loop is not None else [None]:
                variables = {**self.values, **trusted(dict(task.vars)), **({} if item is None else {"item": item})}
                self.templar.available_variables = variables
                names = self.templar.template(trusted(task.names))
                found += names if isinstance(names, list) else [names]
            return [str(name) for name in found], None not in conditions
        except AnsibleError as error:
            told = " ".join(str(error).split())
            raise MirrorError(
                f"mirror: {task.where}: which packages it installs depends on the node ({told}); name those of the "
                f"repository of {' or '.join(task.variables)} in mirror_packages."
            ) from error

    def _holds(self, condition: Any) -> bool | None:
        """Whether a condition is met; None if that depends on a node. It is taken to be met then: one file too many."""
        try:
            return bool(self.templar.template(trusted("{{ (" + str(condition) + ") | bool }}")))
        except AnsibleError:
            return None


def trusted(value: Any) -> Any:
    """A role's own words may be templates."""
    if isinstance(value, str):
        return _trust(value)
    if isinstance(value, Mapping):
        return {key: trusted(one) for key, one in value.items()}
    return [trusted(one) for one in value] if isinstance(value, list) else value
