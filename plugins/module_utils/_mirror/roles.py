# Private to awsome.training: its API may change without notice.
"""What roles fetch, read from their defaults and tasks, so that no second list of it exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

PACKAGES = "awsome.training.packages"
_LOOKUPS = {"awsome.training.component": "component", "awsome.training.repository": "repository"}
_JINJA = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])  # as Ansible has it


@dataclass(frozen=True)
class Option:
    """A role's variable whose default is a record of the catalogue."""

    role: str
    variable: str
    kind: str  # component or repository
    names: tuple[str, ...]
    releases: tuple[str, ...] = ()  # options whose component names the repository: `nccl_release.repository`


@dataclass(frozen=True)
class PackageTask:
    """A task that installs from a vendor's repository: its words are templates still."""

    role: str
    where: str
    variables: tuple[str, ...]  # the options that may name the repository
    names: Any
    when: tuple[Any, ...]
    loop: Any
    vars: Mapping[str, Any]


def options(role: Path) -> list[Option]:
    """The records of the catalogue that a role's defaults look up."""
    return [
        Option(role.name, variable, *found)
        for variable, value in _mapping(role / "defaults/main.yml").items()
        for found in lookups(value, f"roles/{role.name}/defaults/main.yml: {variable}")
    ]


def lookups(value: Any, where: str) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Each look-up of a whole record: its kind, the names that it may ask for, and the releases that name it."""
    for text in _texts(value):
        tree = _parsed(text, where)
        # A part of a record, such as its version, is no wish to have the release.
        parts = [one.node for kind in (jinja2.nodes.Getattr, jinja2.nodes.Getitem) for one in tree.find_all(kind)]
        for call in tree.find_all(jinja2.nodes.Call):
            words = call.args
            if not (isinstance(call.node, jinja2.nodes.Name) and call.node.name in ("lookup", "query", "q") and words):
                continue
            kind = _LOOKUPS.get(words[0].value) if isinstance(words[0], jinja2.nodes.Const) else None
            if kind is None or any(call is part for part in parts):
                continue
            asked: list[Any] = [one for word in words[1:] for one in _asked(word)]
            names = tuple(one.value for one in asked if isinstance(one, jinja2.nodes.Const))
            releases = tuple(str(one.node.name) for one in asked if not isinstance(one, jinja2.nodes.Const))
            if not names and not releases:
                raise MirrorError(
                    f"{where} looks up a {kind} by a name that only a node can tell, expected the name, or "
                    f"<role>_release.repository."
                )
            yield kind, names, releases


def _asked(word: Any) -> Iterator[Any]:
    """The names that an expression may become; what a condition compares with is none of them."""
    nodes = jinja2.nodes
    if isinstance(word, nodes.CondExpr):
        yield from _asked(word.expr1)
        yield from _asked(word.expr2) if word.expr2 is not None else ()
        return
    through = isinstance(word, nodes.Getattr) and word.attr == "repository" and isinstance(word.node, nodes.Name)
    if through or (isinstance(word, nodes.Const) and isinstance(word.value, str)):
        yield word


def package_tasks(role: Path, found: list[Option], words: set[str], others: set[str]) -> list[PackageTask]:
    """The tasks of a role that install from a repository of the catalogue.

    Of files that carry a family's or a distribution's name, such as install_debian, those of `others` are left out.
    """
    repositories = {option.variable for option in found if option.kind == "repository"}
    tasks = []
    for path in sorted((role / "tasks").glob("*.yml")):
        parts = set(path.stem.split("_"))
        if parts & {"configure", "verify"} or (parts & others and not parts & words):
            continue
        for task, when in _flat(_read(path) or [], ()):
            arguments = task.get(PACKAGES)
            if not isinstance(arguments, Mapping) or "repository" not in arguments:
                continue
            where = f"roles/{role.name}/tasks/{path.name}: {task.get('name', PACKAGES)}"
            named = {
                name.name
                for text in _texts(arguments["repository"])
                for name in _parsed(text, where).find_all(jinja2.nodes.Name)
            }
            if named & repositories:
                variables, loop = tuple(sorted(named & repositories)), task.get("loop")
                tasks.append(
                    PackageTask(role.name, where, variables, arguments.get("name"), when, loop, task.get("vars") or {})
                )
    return tasks


def _flat(tasks: Any, inherited: tuple[Any, ...]) -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    for task in tasks:
        own = task.get("when", [])
        when = (*inherited, *(own if isinstance(own, list) else [own]))
        yield task, when
        for part in ("block", "rescue", "always"):
            yield from _flat(task.get(part) or [], when)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _parsed(text: str, where: str) -> Any:
    try:
        return _JINJA.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise MirrorError(f"{where} is no template: {error}.") from None


def _mapping(path: Path) -> dict[str, Any]:
    return dict(_read(path) or {}) if path.is_file() else {}


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise MirrorError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
