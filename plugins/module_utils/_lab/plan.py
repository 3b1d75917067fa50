# This file is private to the awsome.training collection: do not import it from elsewhere.
"""Turn (machines wanted, containers seen) into a list of actions, and each action into podman's arguments. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._lab.nodes import LabError

LAB, KIND, PROFILE = "awsome.lab", "awsome.kind", "awsome.profile"

# Files of the state directory, and where a machine mounts them.
KEYS = {
    "authorized_keys": "/root/.ssh/authorized_keys",
    "hosts": "/etc/hosts",
    "ssh_host_ed25519_key": "/etc/ssh/ssh_host_ed25519_key",
    "ssh_host_ed25519_key.pub": "/etc/ssh/ssh_host_ed25519_key.pub",
}


@dataclass(frozen=True)
class Machine:
    """A machine as asked for. `settings` is what a container cannot change once it runs."""

    name: str
    image: str
    labels: Mapping[str, str]
    settings: Mapping[str, str]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Action:
    verb: str  # create, start or remove
    name: str


def container(machine: Mapping[str, Any], params: Mapping[str, Any]) -> Machine:
    """The container that stands for `machine`, with the parameters of module lab_machines."""
    keys = [f"{params['state_dir']}/etc/{name}:{path}:ro" for name, path in KEYS.items()]
    mounts = [word for volume in [*keys, *params["mounts"]] for word in ("--volume", volume)]
    network = ["--network", params["prefix"], "--ip", machine["address"], "--no-hosts"]
    # What a node of a cluster has and podman's own defaults withhold: shared memory, and no limit on processes.
    return Machine(
        name=machine["name"],
        image=machine["image"],
        labels={LAB: params["prefix"], KIND: params["kind"], PROFILE: machine["profile"]},
        settings={"platform": params["platform"], "address": machine["address"]},
        arguments=(*network, "--shm-size", "1g", "--pids-limit", "-1", *mounts, *params["options"]),
    )


def plan(wanted: Sequence[Machine], seen: Sequence[Mapping[str, Any]], prefix: str, kind: str) -> list[Action]:
    """What makes the containers of one kind in lab `prefix` equal `wanted`; `seen` is `podman ps --all` of the host."""
    by_name = {row["Names"][0]: row for row in seen}
    actions = []
    for machine in wanted:
        row = by_name.get(machine.name)
        if row is None:
            actions.append(Action("create", machine.name))
            continue
        _refuse_another(machine, row, prefix)
        if row["State"] != "running":
            actions.append(Action("start", machine.name))
    names = {machine.name for machine in wanted}
    for name, row in by_name.items():
        labels = row.get("Labels") or {}
        if name not in names and labels.get(LAB) == prefix and labels.get(KIND) == kind:
            actions.append(Action("remove", name))
    return sorted(actions, key=lambda action: action.verb != "remove")  # an address must be free before it is given


def _refuse_another(machine: Machine, row: Mapping[str, Any], prefix: str) -> None:
    labels = row.get("Labels") or {}
    if labels.get(LAB) != prefix:
        raise LabError(
            f"A container named {machine.name} exists and is not of the lab {prefix!r}: "
            "remove it, or choose another lab_prefix."
        )
    for key, value in machine.settings.items():
        was = labels.get(f"awsome.{key}")
        if was != value:
            raise LabError(
                f"{machine.name} was created with {key} {was!r} and {value!r} is asked for: "
                f"destroy the lab {prefix!r} first, or choose another lab_prefix."
            )


def removal(seen: Sequence[Mapping[str, Any]], prefix: str) -> list[Action]:
    """What removes every container of the lab `prefix`, of any kind."""
    return [Action("remove", row["Names"][0]) for row in seen if (row.get("Labels") or {}).get(LAB) == prefix]


def owned_network(rows: Sequence[Mapping[str, Any]], prefix: str, subnet: str) -> bool:
    """Whether the lab's network exists. One of the same name, or on the same addresses, that no lab made is refused."""
    mine = next((row for row in rows if row["name"] == prefix), None)
    if mine is not None:
        if (mine.get("labels") or {}).get(LAB) == prefix:
            return True
        raise LabError(
            f"A podman network named {prefix} exists and is not of the lab {prefix!r}: "
            "remove it, or choose another lab_prefix."
        )
    for row in rows:
        for other in row.get("subnets") or []:
            if subnet and ip_network(subnet).overlaps(ip_network(other["subnet"])):
                raise LabError(
                    f"lab_subnet is {subnet}, which the podman network {row['name']} holds: "
                    "give another lab_subnet, or remove that network."
                )
    return False


def runtime(mounts: str, installed: Sequence[str]) -> list[str]:
    """podman's global arguments for this host. crun cannot run systemd where cgroup v1 controllers are mounted."""
    kinds = {line.split()[1]: line.split()[2] for line in mounts.splitlines() if len(line.split()) > 2}
    if kinds.get("/sys/fs/cgroup") == "cgroup2":
        return []
    if "runc" in installed:
        return ["--runtime", "runc"]
    raise LabError("This machine has cgroup v1, where crun cannot run systemd: install the package runc.")


def create_arguments(machine: Machine, limits: Mapping[str, int]) -> list[str]:
    """The arguments of `podman run` for one machine; `limits` may not exceed the host's own."""
    arguments = ["run", "--detach", "--systemd=always", "--name", machine.name, "--hostname", machine.name]
    labels = {**machine.labels, **{f"awsome.{key}": value for key, value in machine.settings.items()}}
    arguments += [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    arguments += [word for name, most in limits.items() for word in ("--ulimit", f"{name}={most}:{most}")]
    return [*arguments, *machine.arguments, machine.image, "/sbin/init"]


def explain(name: str, stderr: str) -> str:
    """Why podman could not start a machine, in one sentence."""
    last = (stderr.strip().splitlines() or ["podman said nothing"])[-1]
    hints = {
        "is already used on the host": "give another lab_subnet, or remove what holds that network",
        "address already in use": "give another lab_subnet, or remove what holds that address",
        "setting rlimit": "raise this machine's own limits (ulimit -n), which a container cannot exceed",
        "hybrid mode": "install the package runc",
        "cgroup": "boot this machine with cgroup v2, or install the package runc",
        "iptables": "install the package iptables",
        "no space left": "free some disk space",
    }
    hint = next((advice for words, advice in hints.items() if words in last), "see podman's message")
    return f"podman could not make {name} ({last}): {hint}."
