# This file is private to the awsome.training collection: do not import it from elsewhere.
"""What the lab does to this machine: podman's commands, waiting for a machine, and the file of names."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._lab import plan
from ansible_collections.awsome.training.plugins.module_utils._lab.nodes import LabError


class Podman:
    """podman as this machine can run it; `module` is an AnsibleModule."""

    def __init__(self, module: Any) -> None:
        self.module = module
        path = module.get_bin_path("podman")
        if path is None:
            raise LabError("podman is missing on this machine: install the package podman (make setup does).")
        if os.geteuid() != 0:
            raise LabError("The lab's machines need root: run as root, or leave lab_become true and have sudo.")
        runtimes = [name for name in ("crun", "runc") if module.get_bin_path(name)]
        self.command = [path, *plan.runtime(Path("/proc/mounts").read_text(), runtimes)]

    def __call__(self, *arguments: str, about: str = "") -> str:
        rc, out, err = self.module.run_command([*self.command, *arguments])
        if rc != 0:
            raise LabError(plan.explain(about or "podman " + " ".join(arguments[:2]), err))
        return str(out)

    def ok(self, *arguments: str) -> bool:
        return bool(self.module.run_command([*self.command, *arguments])[0] == 0)

    def has_image(self, name: str) -> bool:
        return bool(name) and self.ok("image", "exists", name)


def host_limits() -> dict[str, int]:
    """No more than this host allows; podman's own defaults may exceed it."""
    kernel = {
        "nofile": (resource.RLIMIT_NOFILE, int(Path("/proc/sys/fs/nr_open").read_text())),
        "nproc": (resource.RLIMIT_NPROC, int(Path("/proc/sys/kernel/pid_max").read_text())),
    }
    return {
        name: most if resource.getrlimit(which)[1] < 0 else min(most, resource.getrlimit(which)[1])
        for name, (which, most) in kernel.items()
    }


def takes_logins(podman: Podman, machine: Mapping[str, Any]) -> bool:
    try:
        with socket.create_connection((machine["address"], 22), timeout=1) as connection:
            if not connection.recv(4).startswith(b"SSH"):
                return False
    except OSError:
        return False
    # The unit that lets users in; a unit that still waits to be configured does not hold it up.
    return podman.ok("exec", machine["name"], "systemctl", "is-active", "--quiet", "systemd-user-sessions")


def wait_for_logins(podman: Podman, machines: Sequence[Mapping[str, Any]], seconds: int) -> None:
    deadline = time.monotonic() + seconds
    waiting = list(machines)
    while waiting := [machine for machine in waiting if not takes_logins(podman, machine)]:
        if time.monotonic() > deadline:
            name = waiting[0]["name"]
            raise LabError(f"{name} takes no logins after {seconds} s: see `podman exec {name} journalctl -b`.")
        time.sleep(0.1)


def write_hosts(path: Path, text: str) -> bool:
    """In place, since the containers have mounted this very file."""
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    return True


def apply(podman: Podman, action: plan.Action, containers: Mapping[str, plan.Machine]) -> None:
    if action.verb == "create":
        podman(*plan.create_arguments(containers[action.name], host_limits()), about=action.name)
    elif action.verb == "start":
        podman("start", action.name, about=action.name)
    else:
        podman("rm", "--force", "--time", "0", "--volumes", action.name, about=action.name)
