# Private to awsome.training: its API may change without notice.
"""Resolve a training run before anything is changed. Runs on the controller only; knows nothing of Ansible."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from ansible_collections.awsome.training.plugins.module_utils._launch import slurm, spec
from ansible_collections.awsome.training.plugins.module_utils._launch.hardware import Hardware
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError, hint, listed

SPEC_FILE = "workload.yml"


@dataclass(frozen=True)
class Option:
    default: Any
    description: str


# What `ansible-playbook playbooks/train.yml -e ...` understands.
OPTIONS: dict[str, Option] = {
    "workload": Option("fsdp", "the workload, a directory of train_workloads_dir"),
    "recipe": Option("", "the recipe; empty: the workload's own default"),
    "nodes": Option("", "how many nodes; empty: as the workload says"),
    "instance_type": Option("", "a type of the catalogue; empty: as the inventory says, or CPUs only"),
    "train_partition": Option("", "the partition; empty: Slurm's default"),
    "train_account": Option("", "the account to charge"),
    "train_qos": Option("", "the quality of service"),
    "train_exclude": Option("", "nodes to leave out, as Slurm writes them"),
    "train_arguments": Option([], "overrides of the recipe: a list of key=value, or one string of them"),
    "train_environment": Option({}, "environment variables over those that the workload and the instance bring"),
    "train_time_limit_minutes": Option("", "how long the job may take; empty: as the workload says"),
    "train_run_dir": Option("", "an earlier run's directory, to go on with it; empty: a new one"),
    "train_user": Option("", "whose job it is; empty: the first of users_accounts, or the connection's user"),
    "train_report_dir": Option(
        "", "where reports land on this machine; empty: reports/, beside a lab's inventory or here"
    ),
    "train_workloads_dir": Option("", "the directory of the workloads; empty: this collection's"),
    "train_wheelhouse": Option("", "wheels to build the environment from; empty: awsome/wheelhouse in shared_dir"),
    "train_pending_timeout_seconds": Option(600, "how long the job may wait for its nodes"),
    "train_poll_seconds": Option(3, "the pause between two looks at the job"),
}


def check_names(extra: Iterable[str], given: Iterable[str]) -> None:
    """Refuse a misspelt option: Ansible would take it for a variable that nobody reads.

    `extra` are names from the command line; `given` are all names that are set, where only train_* is ours.
    """
    names = list(OPTIONS)
    plain = [name for name in names if not name.startswith("train_")]
    for name in [*(name for name in given if name.startswith("train_")), *extra]:
        if name in names or name == "train_plan":
            continue
        ours = name.startswith("train")
        near = hint(name, names) if ours else hint(name, plain, 0.75)
        if ours or near:
            known = "" if near else f"; train.yml knows {listed(names)}"
            raise SpecError(f"unknown variable '{name}'{near}{known}.")


def resolve(
    values: Mapping[str, Any],
    groups: Mapping[str, list[str]],
    host_variables: Mapping[str, Mapping[str, Any]],
    instance: Callable[[str], Mapping[str, Any]],
    read: Callable[[Path], Any],
    now: float | None = None,
) -> dict[str, Any]:
    """All that the playbook needs to know. `instance` asks the catalogue, `read` reads YAML."""
    ask = {name: values.get(name) or option.default for name, option in OPTIONS.items()}
    root = Path(ask["train_workloads_dir"] or Path(__file__).parents[3] / "training").resolve()
    known = [path.parent.name for path in root.glob(f"*/{SPEC_FILE}")]
    name = spec.choose_workload(str(ask["workload"]), known)
    source = f"{root.name}/{name}/{SPEC_FILE}"
    raw = read(root / name / SPEC_FILE)
    workload = spec.parse_workload(raw, source)
    if workload.name != name:
        raise SpecError(f"{source}: name is '{workload.name}', expected '{name}' as its directory is called.")
    for path in (*workload.code, workload.command, workload.requirements, workload.recipes):
        if not (root / path).exists():
            raise SpecError(f"{source}: '{path}' does not exist in {root}.")
    recipes = [path.stem for path in (root / workload.recipes).glob("*.yml")]
    recipe = spec.choose_recipe(workload, str(ask["recipe"]) or None, recipes)

    partition, hosts = _partition(str(ask["train_partition"]), groups)
    nodes = _whole("nodes", ask["nodes"] or workload.nodes)
    if nodes > len(hosts):
        raise SpecError(
            f"nodes is {nodes}, but {f'partition {partition!r}' if partition else 'the inventory'} has"
            f" {len(hosts)} compute node(s)."
        )
    row = _row(str(ask["instance_type"]), hosts, host_variables, instance)
    submit = [*groups.get("login", []), *groups.get("controller", [])][0]
    shared = str(values.get("shared_dir") or host_variables[submit].get("shared_dir") or "/fsx")
    code_dir = f"{shared}/awsome/code/{name}-{tree_hash([root / path for path in workload.code])}"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    arguments = ask["train_arguments"]
    minutes = _whole("train_time_limit_minutes", ask["train_time_limit_minutes"] or workload.time_limit_minutes)
    plan = {
        "workload": raw,
        "name": name,
        "recipe": recipe,
        "nodes": nodes,
        "instance": dict(row),
        "arguments": arguments.split() if isinstance(arguments, str) else [str(argument) for argument in arguments],
        "environment": dict(ask["train_environment"]),
        "time_limit_minutes": minutes,
        "options": {"partition": partition, "account": ask["train_account"], "qos": ask["train_qos"]},
        "run_dir": str(ask["train_run_dir"]).rstrip("/") or f"{shared}/awsome/runs/{name}-{recipe}-{stamp}",
        "code_dir": code_dir,
        "code": [str(root / path) for path in workload.code],
        "code_root": str(root),
        "requirements": str(root / workload.requirements),
        "env_name": Path(workload.requirements).parent.name,  # workloads with one lock share one environment
        "wheelhouse": str(ask["train_wheelhouse"]) or f"{shared}/awsome/wheelhouse",
        "shared_dir": shared,
        "submit_host": submit,
        "user": _user(str(ask["train_user"]), host_variables[submit]),
        "report_dir": str(ask["train_report_dir"]) or _reports(host_variables[submit]),
        "pending_timeout_seconds": _whole("train_pending_timeout_seconds", ask["train_pending_timeout_seconds"]),
        "poll_seconds": float(ask["train_poll_seconds"]),
    }
    plan["options"]["exclude"] = ask["train_exclude"]
    slurm.parse_options(plan["options"])
    spec.parse_launch(
        workload,
        Hardware.from_row(row),
        recipe=recipe,
        nodes=nodes,
        run_dir=plan["run_dir"],
        code_dir=code_dir,
        env_dir=f"{shared}/awsome/envs/{name}",
        overrides=plan["arguments"],
        environment=plan["environment"],
    )
    return plan


def tree_hash(directories: Iterable[Path]) -> str:
    """Of the names and contents of all files: the same code is staged once."""
    digest = hashlib.sha256()
    for directory in directories:
        for path in sorted(path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            digest.update(f"{directory.name}/{path.relative_to(directory)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _partition(asked: str, groups: Mapping[str, list[str]]) -> tuple[str, list[str]]:
    """The partition, "" for the default one, and the hosts that it can have."""
    compute = list(groups.get("compute", []))
    if not compute or not [*groups.get("login", []), *groups.get("controller", [])]:
        raise SpecError(
            "the inventory has no group 'compute' with hosts, or nobody in 'login' and 'controller'; pass one with -i."
        )
    names = {name: hosts for name, hosts in groups.items() if hosts and set(hosts) <= set(compute) and name != "all"}
    if asked and asked not in names:
        raise SpecError(f"train_partition is '{asked}'{hint(asked, names)}; there are: {listed(sorted(names))}.")
    return asked, list(names[asked]) if asked else compute


def _row(
    asked: str,
    hosts: Iterable[str],
    host_variables: Mapping[str, Mapping[str, Any]],
    instance: Callable[[str], Mapping[str, Any]],
) -> Mapping[str, Any]:
    found = {str(host_variables[host].get("instance_type") or "") for host in hosts}
    if not asked and len(found) > 1:
        raise SpecError(
            f"the nodes have several instance types ({listed(sorted(kind or 'none' for kind in found))});"
            " name one partition with train_partition, or one type with instance_type."
        )
    kind = asked or found.pop()
    return instance(kind) if kind else {}


def _user(asked: str, variables: Mapping[str, Any]) -> str:
    accounts = [row["name"] for row in variables.get("users_accounts") or [] if row.get("state") != "absent"]
    return asked or (accounts[0] if accounts else str(variables.get("ansible_user") or ""))


def _reports(variables: Mapping[str, Any]) -> str:
    beside = variables.get("inventory_dir") if variables.get("lab_prefix") else None
    return str(Path(str(beside)) / "reports") if beside else str(Path.cwd() / "reports")


def _whole(name: str, value: Any) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise SpecError(f"{name} is '{value}', expected a whole number.") from None
    if number < 1:
        raise SpecError(f"{name} is {number}, expected at least 1.")
    return number
