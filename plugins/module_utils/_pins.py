# This file is private to the awsome.training collection: do not import it from elsewhere.
"""Which versions a profile would install, from the releases that its roles are given. Knows nothing of Ansible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Callable

import yaml
from ansible_collections.awsome.training.plugins.module_utils import _compatibility as compatibility
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog
from ansible_collections.awsome.training.plugins.module_utils._versions import survey

# What a role's variable <role>_source says where the role installs the release that it was given.
PINNED = ("repository", "source", "release")
# Components that a role's option names, beside the releases.
OPTIONS = {"nvidia_driver_module": "nvidia_module", "dcgm_cuda_major": "dcgm_cuda"}

# The value of a variable for a host, or what the default comes to; None where neither can be known.
Value = Callable[[str, Any], Any]


class PinError(ValueError):
    """A release that a role was given cannot be read; the sentence names the variable."""


def planned(catalog: Catalog, roles: Iterable[str], roles_dir: Path, value: Value) -> dict[str, str | None]:
    """The components that these roles would install; None where the version is not theirs to choose."""
    found: dict[str, str | None] = {}
    for role in roles:
        if role in survey.PROBES:
            found[role] = None
        found.update(_of_role(role, _defaults(roles_dir / role), value))
    # What an installer carries is known by it, unless a role pins something else.
    known = compatibility.complete(
        catalog.compatibility, {name: one for name, one in found.items() if one}, planned=True
    )
    return {**found, **known}


def _of_role(role: str, defaults: Mapping[str, Any], value: Value) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    source, variable = f"{role}_source", f"{role}_release"
    pinned = source not in defaults or value(source, defaults[source]) in PINNED
    record = value(variable, defaults[variable]) if pinned and variable in defaults else None
    if record is not None:
        found.update(_of_record(role, variable, record))
    for option, component in OPTIONS.items():
        if option in defaults:
            told = value(option, defaults[option])
            found[component] = str(told) if told is not None else None
    return found


def _of_record(role: str, variable: str, record: Any) -> dict[str, str | None]:
    if not isinstance(record, Mapping) or not isinstance(record.get("version"), str):
        raise PinError(
            f"{variable} is {record!r}, expected a record such as lookup('awsome.training.component', '{role}') gives, "
            "with its version as a string."
        )
    cuda = f"+cuda{record['cuda']}" if "cuda" in record else ""
    return {role: record["version"] + cuda, **survey.of_packages(record.get("packages") or {})}


def _defaults(role: Path) -> dict[str, Any]:
    path = role / "defaults/main.yml"
    return (yaml.safe_load(path.read_text()) or {}) if path.is_file() else {}
