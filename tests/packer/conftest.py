"""EC2 on loopback, and a lab's container that stands for the instance."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._lab import plan
from ansible_collections.awsome.training.plugins.module_utils._lab.podman import host_limits
from aws.harness import Aws, serving
from lab.harness import BARE, BIN, Lab, Podman, run

PLATFORM = "debian12"
OWNER = "136693071363"
DUMMY = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "CHECKPOINT_DISABLE": "1"}


@dataclass(frozen=True)
class Machine:
    """A container with systemd, a user with sudo and a key, as an instance has them."""

    name: str
    address: str
    key: Path
    podman: Podman

    def __call__(self, script: str) -> str:
        return self.podman("exec", self.name, "sh", "-c", script)


@pytest.fixture(scope="module")
def ec2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    place = tmp_path_factory.mktemp("ec2")
    base = {"architecture": "x86_64", "virtualization_type": "hvm", "root_device_type": "ebs", "state": "available"}
    amis = [
        {**base, "ami_id": f"ami-0000000{day}", "name": f"debian-12-amd64-2026010{day}-1", "owner_id": OWNER}
        for day in (1, 2)
    ]
    (place / "amis.json").write_text(json.dumps([{**ami, "root_device_name": "/dev/xvda"} for ami in amis]))
    with serving(place, MOTO_AMIS_PATH=str(place / "amis.json")) as served:
        yield served


@pytest.fixture(scope="session")
def standins() -> Path:
    """What vendors ship, as tests/standins/build.py has made it."""
    done = run(sys.executable, "tests/standins/build.py")
    assert done.returncode == 0, done.stdout[-6000:]
    return Path(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def machine(standins: Path, keep_artifacts: bool) -> Iterator[Machine]:
    """On the network of a lab without nodes but its controller; destroying the lab removes it, too."""
    if shutil.which("podman") is None:
        pytest.skip("podman is missing: run make setup")
    podman = Podman()
    made = Lab("awt-packer", {**BARE, "lab_num_compute": 0, "lab_platform": PLATFORM})
    with made.running(keep_artifacts):
        controller, address = f"{made.prefix}-controller", next(iter(made.addresses().values()))
        mine = f"{address.rpartition('.')[0]}.200"
        name = f"{made.prefix}-instance"
        wanted = plan.Machine(
            name=name,
            image=podman("inspect", "--format", "{{.ImageName}}", controller).strip(),
            labels={plan.LAB: made.prefix, plan.KIND: "instance"},
            settings={},
            arguments=("--network", made.prefix, "--ip", mine, f"--volume={standins}/mirror:/srv/mirror:ro"),
        )
        installed = [word for word in ("crun", "runc") if shutil.which(word)]
        runtime = plan.runtime(Path("/proc/mounts").read_text(), installed)
        podman(*runtime, *plan.create_arguments(wanted, host_limits()))
        instance = Machine(name, mine, made.state / "ssh/id_ed25519", podman)
        public = instance.key.with_suffix(".pub").read_text().strip()
        instance(
            "useradd --create-home --shell /bin/bash admin && install -d -o admin -m 0700 /home/admin/.ssh"
            f" && echo '{public}' >/home/admin/.ssh/authorized_keys && chown admin /home/admin/.ssh/authorized_keys"
            " && echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin && chmod 0440 /etc/sudoers.d/admin"
        )
        instance("sh /srv/mirror/prepare.sh")
        yield instance


@pytest.fixture(scope="session")
def packer() -> Callable[..., subprocess.CompletedProcess[str]]:
    if shutil.which("packer") is None:
        pytest.skip("packer is missing: run make setup")

    def call(verb: str, cwd: Path, *arguments: str, path: str = str(BIN), **variables: Any) -> Any:
        """packer VERB over the template in `packer/`, from another directory, which gets what it writes."""
        told = [
            f"-var={key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in variables.items()
        ]
        return subprocess.run(
            ["packer", verb, *told, *arguments],
            cwd=cwd,
            env={**os.environ, **DUMMY, "ANSIBLE_NOCOLOR": "1", "PATH": f"{path}:{os.environ['PATH']}"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=900,
        )

    return call
