"""The container image for training jobs: real Packer, its docker source over podman, real roles, vendors' stand-ins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._lab import plan
from ansible_collections.awsome.training.plugins.module_utils._lab.podman import host_limits
from lab.harness import BIN, ROOT, Podman

pytestmark = pytest.mark.lab
TEMPLATE = str(ROOT / "packer/training-container.pkr.hcl")
NAME = "localhost/awt-packer-training"
LIMITS = [f"--ulimit={name}={most}:{most}" for name, most in host_limits().items()]
RUNTIME = plan.runtime(Path("/proc/mounts").read_text(), [word for word in ("crun", "runc") if shutil.which(word)])


@dataclass(frozen=True)
class Built:
    done: Any
    verify: dict[str, Any]
    tag: str


@pytest.fixture(scope="module")
def base(machine: Any, standins: Path) -> Iterator[str]:
    """The lab's base image, as a container image to build on; its package lists know the stand-ins."""
    podman, name = machine.podman, "awt-packer-base"
    image = podman("inspect", "--format", "{{.ImageName}}", machine.name).strip()
    mount = f"--volume={standins}/mirror:/srv/mirror:ro"
    try:
        podman(*RUNTIME, "run", "--name", name, *LIMITS, mount, image, "sh", "/srv/mirror/prepare.sh")
        podman("commit", "--quiet", name, f"localhost/{name}")
        yield f"localhost/{name}"
    finally:
        podman("rm", "--force", "--ignore", name)
        podman("rmi", "--force", "--ignore", f"localhost/{name}")


@pytest.fixture(scope="module")
def built(base: str, standins: Path, packer: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    work, podman = tmp_path_factory.mktemp("container"), Podman()
    words = " ".join(["exec", *podman.sudo, "podman", *RUNTIME])
    (work / "docker").write_text(f'#!/bin/sh\n{words} "$@"\n')
    (work / "docker").chmod(0o755)
    mount = f"--volume={standins}/mirror:/srv/mirror:ro"
    try:
        done = packer(
            "build",
            work,
            "-color=false",
            TEMPLATE,
            path=f"{work}:{BIN}",
            image=base,
            pull=False,
            platform="debian12",
            repository=NAME,
            run_command=["-d", "-i", "-t", *LIMITS, mount, "--entrypoint=/bin/sh", "--", "{{.Image}}"],
            extra_vars=f"@{standins}/vars.yml",
        )
        assert done.returncode == 0, done.stdout[-6000:]
        (verify,) = work.glob("*.verify.json")
        yield Built(done, json.loads(verify.read_text()), verify.name.removesuffix(".verify.json"))
    finally:
        for image in podman("images", "--quiet", "--filter", f"reference={NAME}").split():
            podman("rmi", "--force", image)


def inside(built: Built, script: str) -> str:
    return Podman()(*RUNTIME, "run", "--rm", *LIMITS, f"{NAME}:{built.tag}", "sh", "-c", script)


def test_it_passed_its_checks(built: Built) -> None:
    assert built.verify["counts"]["fail"] == 0 and built.verify["counts"]["pass"] > 10
    roles = {check["check"].partition(".")[0] for check in built.verify["checks"] if check["status"] == "pass"}
    assert {"cuda", "nccl", "efa", "image"} <= roles


def test_it_says_what_it_is(built: Built) -> None:
    said = json.loads(inside(built, "cat /etc/awsome/image.json"))
    assert (said["name"], said["profile"]) == (built.tag, "training_container")
    assert said["components"]["nccl"]["version"] and said["components"]["slurm"] is None
    parts = json.loads(inside(built, "cat /etc/awsome/sbom.cdx.json"))["components"]
    assert [part for part in parts if part["name"] == "libnccl2"]
