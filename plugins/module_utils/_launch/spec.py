# Private to awsome.training: its API may change without notice.
"""WHAT runs: a workload, read strictly from its workload.yml, and one launch of it. No scheduler is named here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._launch.hardware import Hardware
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError, check_keys, hint, listed

LAUNCHERS = ("torchrun",)
HARDWARE = ("cpu", "nvidia", "neuron")
ACCELERATORS = "accelerators"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Workload:
    """One workload.yml: what a workload needs, whoever launches it, and wherever."""

    name: str
    description: str
    command: str
    recipes: str
    requirements: str
    code: tuple[str, ...]
    arguments: tuple[str, ...] = ("--recipe", "{recipe}", "--run-dir", "{run_dir}")
    launcher: str = "torchrun"
    default_recipe: str = "debug"
    hardware: tuple[str, ...] = ("cpu", "nvidia")
    processes_per_node: int | str = ACCELERATORS
    nodes: int = 1
    time_limit_minutes: int = 60
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Launch:
    """One launch of a workload: all that a renderer may read."""

    workload: Workload
    recipe: str
    nodes: int
    hardware: Hardware
    run_dir: str
    code_dir: str
    env_dir: str
    time_limit_minutes: int
    overrides: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.workload.name}-{self.recipe}"

    @property
    def processes_per_node(self) -> int:
        """One process for each accelerator where there are any, else one for each node."""
        asked = self.workload.processes_per_node
        return max(1, self.hardware.accelerators) if isinstance(asked, str) else asked

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command's own arguments, with the places filled in."""
        places = {"recipe": self.recipe, "run_dir": self.run_dir, "code_dir": self.code_dir}
        return tuple(argument.format(**places) for argument in self.workload.arguments) + self.overrides


KEYS = tuple(Workload.__dataclass_fields__)
REQUIRED = ("name", "description", "command", "recipes", "requirements", "code")
SCHEMA: dict[str, str] = {
    "name": "the workload's name: lower-case letters, digits and dashes; equals its directory",
    "description": "one sentence for people",
    "command": "the program, relative to the workloads' directory",
    "recipes": "the directory of its recipes (<name>.yml), relative to the workloads' directory",
    "requirements": "its locked Python requirements, relative to the workloads' directory",
    "code": "the directories under the workloads' directory that it needs on the cluster",
    "arguments": "what the program is told; {recipe}, {run_dir} and {code_dir} are filled in",
    "launcher": "what starts one process for each accelerator: torchrun",
    "default_recipe": "the recipe when none is named",
    "hardware": "what it runs on: cpu, nvidia, neuron",
    "processes_per_node": "a number, or `accelerators`: one for each accelerator, and one on a node without",
    "nodes": "how many nodes when none are asked for",
    "time_limit_minutes": "how long it may take when nothing else is said",
    "env": "environment variables of its own; null takes one of the collection's away",
}


def parse_workload(raw: Any, source: str) -> Workload:
    """Read a workload strictly; `source` is the file that the error sentences name."""
    if not isinstance(raw, Mapping):
        raise SpecError(f"{source}: expected a mapping of keys, got {type(raw).__name__}.")
    check_keys(raw, KEYS, source)
    for key in REQUIRED:
        if key not in raw:
            raise SpecError(f"{source}: the key '{key}' is missing ({SCHEMA[key]}).")
    values: dict[str, Any] = {}
    for key in ("name", "description", "command", "recipes", "requirements", "launcher", "default_recipe"):
        if key in raw:
            values[key] = _text(raw[key], key, source)
    for key in ("code", "arguments", "hardware"):
        if key in raw:
            values[key] = _texts(raw[key], key, source)
    for key in ("nodes", "time_limit_minutes"):
        if key in raw:
            values[key] = _positive(raw[key], key, source)
    if "processes_per_node" in raw:
        asked = raw["processes_per_node"]
        values["processes_per_node"] = (
            asked if asked == ACCELERATORS else _positive(asked, "processes_per_node", source, f" or '{ACCELERATORS}'")
        )
    values["env"] = parse_environment(raw.get("env", {}), source, "env")
    _check_values(values, source)
    return Workload(**values)


def _check_values(values: Mapping[str, Any], source: str) -> None:
    if not NAME.fullmatch(values["name"]):
        raise SpecError(f"{source}: name is '{values['name']}', expected lower-case letters, digits and dashes.")
    if values.get("launcher", "torchrun") not in LAUNCHERS:
        raise SpecError(f"{source}: launcher is '{values['launcher']}', expected one of {listed(LAUNCHERS)}.")
    for kind in values.get("hardware", ()):
        if kind not in HARDWARE:
            raise SpecError(f"{source}: hardware has '{kind}', expected some of {listed(HARDWARE)}.")
    for argument in values.get("arguments", ()):
        try:
            argument.format(recipe="", run_dir="", code_dir="")
        except (KeyError, IndexError, ValueError) as error:
            raise SpecError(
                f"{source}: the argument '{argument}' has a place that is not known;"
                " expected {recipe}, {run_dir} or {code_dir}."
            ) from error
    for key in ("command", "recipes", "requirements"):
        top = values[key].split("/")[0]
        if values[key].startswith("/") or ".." in values[key].split("/") or top not in values["code"]:
            raise SpecError(
                f"{source}: {key} is '{values[key]}', which lies in none of the directories of 'code'"
                f" ({listed(values['code'])})."
            )


def parse_launch(
    workload: Workload,
    hardware: Hardware,
    *,
    recipe: str,
    nodes: int,
    run_dir: str,
    code_dir: str,
    env_dir: str,
    time_limit_minutes: int | None = None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, Any] | None = None,
) -> Launch:
    """Bind a workload to hardware and places."""
    if nodes < 1:
        raise SpecError(f"nodes is {nodes}, expected a whole number of at least 1.")
    if hardware.kind not in workload.hardware:
        raise SpecError(
            f"workload '{workload.name}' does not run on {hardware.kind} (instance type '{hardware.name}');"
            f" it runs on {listed(workload.hardware)}."
        )
    for key, path in (("run_dir", run_dir), ("code_dir", code_dir), ("env_dir", env_dir)):
        if not path.startswith("/") or re.search(r"[\s%\\'\"$`]", path):
            raise SpecError(f"{key} is '{path}', expected an absolute path without spaces, quotes, '%', '$' or '\\'.")
    minutes = workload.time_limit_minutes if time_limit_minutes is None else time_limit_minutes
    if minutes < 1:
        raise SpecError(f"time_limit_minutes is {minutes}, expected at least 1.")
    pairs = tuple(overrides)
    for pair in pairs:
        if not re.match(r"[A-Za-z_][A-Za-z0-9_.]*=", pair):
            raise SpecError(f"the argument '{pair}' is not of the form key=value.")
    merged = {**workload.env, **parse_environment(environment or {}, "train_environment", "")}
    return Launch(workload, recipe, nodes, hardware, run_dir, code_dir, env_dir, minutes, pairs, merged)


def choose_recipe(workload: Workload, asked: str | None, known: Iterable[str]) -> str:
    """The recipe to run; one that does not exist is told apart with those that do."""
    names = sorted(known)
    recipe = asked or workload.default_recipe
    if recipe not in names:
        raise SpecError(
            f"workload '{workload.name}' has no recipe '{recipe}'{hint(recipe, names)};"
            f" there are: {listed(names) or 'none'}."
        )
    return recipe


def choose_workload(asked: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if asked not in names:
        raise SpecError(f"there is no workload '{asked}'{hint(asked, names)}; there are: {listed(names) or 'none'}.")
    return asked


def parse_environment(raw: Any, source: str, key: str) -> dict[str, str]:
    """Environment variables as text; an empty (null) value is kept as "", which takes a variable away."""
    where = f"{source}: {key}" if key else source
    if not isinstance(raw, Mapping):
        raise SpecError(f"{where}: expected a mapping of environment variables, got {type(raw).__name__}.")
    environment: dict[str, str] = {}
    for name, value in raw.items():
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            raise SpecError(f"{where}: '{name}' is no name of an environment variable.")
        if isinstance(value, (Mapping, list, tuple)):
            raise SpecError(f"{where}: {name} is a {type(value).__name__}, expected text or a number.")
        environment[name] = "" if value is None else str(value)
    return environment


def quoted(words: Iterable[str]) -> list[str]:
    """Words as a shell reads them back."""
    return [shlex.quote(word) for word in words]


def _text(value: Any, key: str, source: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SpecError(f"{source}: {key} is {value!r}, expected text ({SCHEMA[key]}).")
    return value.strip()


def _texts(value: Any, key: str, source: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(item, str) and item for item in value):
        raise SpecError(f"{source}: {key} is {value!r}, expected a list of text ({SCHEMA[key]}).")
    return tuple(value)


def _positive(value: Any, key: str, source: str, other: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SpecError(f"{source}: {key} is {value!r}, expected a whole number of at least 1{other}.")
    return value
