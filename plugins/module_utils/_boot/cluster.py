# This file is private to the awsome.training collection: do not import it from elsewhere.
"""cluster.yml, the one data file of a cluster's boot: what it may say, and every fault of it.

Read when the bundle is made, and again on every node.

features        a feature, or a role of the profile, and whether nodes have it: {containers: false}
variables       variables of roles, for every node
groups          variables for controller, login or compute nodes
boot            attempts: how often a step that failed for a passing reason is tried; wait_seconds: how long to wait
                for what others bring
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog, _inventory, _shared_users

ROLES = Path(__file__).parents[3] / "roles"
KEYS = ("features", "variables", "groups", "boot")

# What several roles are for, by one name. Every other role of a profile is a feature of its own.
FEATURES = {"containers": ("docker", "nvidia_container_toolkit", "enroot", "pyxis")}


@dataclass(frozen=True)
class Answer:
    """What the files say, each function's roles without the features that are off, the known instance types."""

    user: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    known_types: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def profiles_of(provider: str) -> dict[str, str]:
    """The profile of each function of a provider's nodes."""
    named = {function: f"{provider}_{function}" for function in _inventory.FUNCTIONS}
    return {function: name for function, name in named.items() if name in _catalog.load().profiles}


def judged(
    bundle: Path, provider: str, variables: Mapping[str, Any] | None = None, types: Iterable[str] = ()
) -> Answer:
    """Read the user's files of a bundle, each of which may be absent: cluster.yml, shared_users.txt, .csv or .yml."""
    catalog, profiles, path = _catalog.load(), profiles_of(provider), bundle / "cluster.yml"
    data, faults = _load(path)
    # Where the homes have a root of their own (OpenZFS, or none that is shared), it wins over what the file says.
    users, more = _users(bundle, str((variables or {}).get("users_home_root", "")))
    roles = {function: list(catalog.profile(name)["roles"]) for function, name in profiles.items()}
    faults = faults or _shape(path, data, roles)
    user = {key: (data.get(key) or {}) if not faults else {} for key in KEYS}
    faults = [*(faults or _variables(path, user, profiles, variables or {}, catalog)), *more]
    if faults:
        return Answer(faults=tuple(faults))
    off = {role for name, on in user["features"].items() if not on for role in FEATURES.get(name, (name,))}
    if "slurm_accounting" in off:
        user["variables"] = {"slurm_slurmdbd_host": "", **user["variables"]}
    return Answer(
        user={**user, "users": users},
        roles={function: [role for role in names if role not in off] for function, names in roles.items()},
        known_types=tuple(name for name in types if name and _known(catalog, name)),
    )


def _load(path: Path) -> tuple[Any, list[str]]:
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{path}: cannot be read ({error}); upload it again."]
    except yaml.YAMLError as error:
        return {}, [f"{path}: is not YAML: {' '.join(str(error).split())}; correct it."]


def _users(bundle: Path, home_root: str) -> tuple[dict[str, Any], list[str]]:
    """The options of role users that the file of shared users says."""
    for path in (bundle / f"shared_users.{ending}" for ending in ("txt", "csv", "yml")):
        if not path.exists():
            continue
        source, faults = (
            _load(path) if path.suffix == ".yml" else (path.read_text(encoding="utf-8-sig", errors="replace"), [])
        )
        if faults:
            return {}, faults
        try:
            read = _shared_users.read(source, home_root, str(path))
        except _shared_users.SharedUsersError as error:
            return {}, str(error).splitlines()
        return {f"users_{key}": rows for key, rows in read.items()}, []
    return {}, []


_VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "features": (lambda one: isinstance(one, bool), "true or false"),
    "groups": (lambda one: one is None or isinstance(one, dict), "a mapping of variables"),
    "boot": (
        lambda one: isinstance(one, int) and not isinstance(one, bool) and one > 0,
        "a whole number of at least 1",
    ),
}


def _shape(path: Path, data: Any, roles: Mapping[str, list[str]]) -> list[str]:
    if not isinstance(data, dict):
        return [f"{path}: holds {type(data).__name__}, expected a mapping with {', '.join(KEYS)}."]
    found = [_strange(path, str(key), KEYS) for key in data if key not in KEYS]
    features = [*FEATURES, *dict.fromkeys(role for names in roles.values() for role in names)]
    expected = {"features": features, "groups": list(roles), "variables": None, "boot": ["attempts", "wait_seconds"]}
    for key, names in expected.items():
        value = data.get(key) or {}
        if not isinstance(value, dict):
            found.append(f"{path}: {key} is {value!r}, expected a mapping.")
            continue
        if names is not None:
            found += [
                _strange(path, f"{key}.{name}", [f"{key}.{one}" for one in names])
                for name in value
                if name not in names
            ]
        right, told = _VALUES.get(key, (lambda one: True, ""))
        found += [
            f"{path}: {key}.{name} is {one!r}, expected {told}."
            for name, one in value.items()
            if name in (names or ()) and not right(one)
        ]
    return found


def _strange(path: Path, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(known)}."
    return f"{path}: {name!r} is no key of this file; {hint}"


def _variables(
    path: Path,
    user: Mapping[str, Any],
    profiles: Mapping[str, str],
    variables: Mapping[str, Any],
    catalog: _catalog.Catalog,
) -> list[str]:
    """The variables, judged as those of any inventory: by one host of each function."""
    hosts = {
        function: {
            "cluster_name": "cluster",
            "node_profile": profile,
            **variables,
            **user["variables"],
            **(user["groups"].get(function) or {}),
        }
        for function, profile in profiles.items()
    }
    inventory = _inventory.Inventory({function: [function] for function in hosts}, hosts, lambda host, name: str(path))
    return _inventory.faults(inventory, catalog, _inventory.role_options(ROLES))


def _known(catalog: _catalog.Catalog, name: str) -> bool:
    try:
        catalog.instance(name)
    except _catalog.CatalogError:
        return False
    return True


def roles_of(profile: str) -> list[str]:
    """The roles of a profile; none if there is no such profile."""
    try:
        return list(_catalog.load().profile(profile)["roles"])
    except _catalog.CatalogError:
        return []


def texts(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of nested data with the key that it stands under."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from texts(value, str(name))
    elif isinstance(data, list):
        for value in data:
            yield from texts(value, key)
    elif isinstance(data, str):
        yield key, data
