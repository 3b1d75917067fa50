"""Make, reach and destroy a lab from a test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import testinfra
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
# The options of a lab of a controller and one compute node, with nothing of ours on them.
BARE = {"lab_image_stage": "base", "lab_num_login": 0, "lab_num_compute": 1}


def run(*argv: str, timeout: int = 900, **env: str) -> subprocess.CompletedProcess[str]:
    """A command at the root of the checkout; its two streams come back as one text."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", **env}
    return subprocess.run(
        argv, cwd=ROOT, env=environment, timeout=timeout, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@dataclass(frozen=True)
class Lab:
    """A lab of one prefix. `options` are variables of the lab role that every call of its playbooks gets."""

    prefix: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return Path.home() / ".local/state/awsome-training" / self.prefix

    @property
    def inventory(self) -> Path:
        return self.state / "inventory.yml"

    @property
    def shared(self) -> Path:
        """The nodes' /fsx."""
        return self.state / "shared"

    def playbook(self, name: str, *arguments: str, on_nodes: bool = True, **options: Any) -> Any:
        """Run playbooks/<name>.yml, by default over the lab's inventory."""
        inventory = str(self.inventory) if on_nodes else "localhost,"
        values = {"lab_prefix": self.prefix, **self.options, **options}
        extra = ["-e", yaml.safe_dump(values, default_flow_style=True, width=10**6)]
        return run("ansible-playbook", "-i", inventory, *extra, f"playbooks/{name}.yml", *arguments)

    def create(self, **options: Any) -> Any:
        return self.playbook("lab_create", on_nodes=False, **options)

    def destroy(self) -> Any:
        return self.playbook("lab_destroy", on_nodes=False)

    @contextmanager
    def running(self, keep: bool, *playbooks: str) -> Iterator[Lab]:
        """Create the machines, run the playbooks over them, and destroy them in the end unless they are to be kept."""
        try:
            for step in (self.create, *(partial(self.playbook, name) for name in playbooks)):
                result = step()
                assert result.returncode == 0, result.stdout[-6000:]
            yield self
        finally:
            if not keep:
                self.destroy()

    def addresses(self) -> dict[str, str]:
        """Name and address of every machine, as the inventory has them now."""
        found: dict[str, str] = {}

        def walk(group: dict[str, Any]) -> None:
            found.update({name: row["ansible_host"] for name, row in (group.get("hosts") or {}).items()})
            for child in (group.get("children") or {}).values():
                walk(child)

        walk(yaml.safe_load(self.inventory.read_text())["all"])
        return found

    def names(self, function: str = "") -> list[str]:
        return [name for name in self.addresses() if name.startswith(f"{self.prefix}-{function}")]

    def host(self, function: str) -> Any:
        """A testinfra host: controller, login, compute-1, ..."""
        address = self.addresses()[f"{self.prefix}-{function}"]
        return testinfra.get_host(
            f"ssh://root@{address}",
            ssh_identity_file=str(self.state / "ssh/id_ed25519"),
            ssh_extra_args=f"-o UserKnownHostsFile={self.state}/ssh/known_hosts -o BatchMode=yes",
        )


@dataclass(frozen=True)
class Podman:
    """What podman knows; read only, but for what a test itself put there."""

    @cached_property
    def sudo(self) -> list[str]:
        return [] if os.geteuid() == 0 else ["sudo"]

    def __call__(self, *arguments: str) -> str:
        result = run(*self.sudo, "podman", *arguments, timeout=60)
        assert result.returncode == 0, result.stdout
        return result.stdout

    def containers(self, prefix: str) -> list[str]:
        return self("ps", "--all", "--filter", f"label=awsome.lab={prefix}", "--format", "{{.Names}}").split()

    def networks(self) -> list[str]:
        return self("network", "ls", "--format", "{{.Name}}").split()
