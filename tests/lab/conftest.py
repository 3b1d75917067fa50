"""The lab that tests share: created and converged once in a session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from lab.harness import BARE, ROOT, Lab, Podman


@pytest.fixture(scope="session")
def podman() -> Podman:
    if shutil.which("podman") is None:
        pytest.skip("podman is missing: run make setup")
    return Podman()


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, podman: Podman, keep_artifacts: bool) -> Iterator[Lab]:
    """A converged cluster: controller, login node, two compute nodes. --lab-prefix uses a running one instead."""
    running = request.config.getoption("--lab-prefix")
    if running:
        yield Lab(running)
        return
    made = Lab("awt", {"lab_wheel_requirements": str(ROOT / "training/fsdp/requirements.txt")})
    with made.running(keep_artifacts, "site"):
        yield made


@pytest.fixture(scope="module")
def bare(request: pytest.FixtureRequest, podman: Podman, keep_artifacts: bool) -> Iterator[Lab]:
    """A controller and one compute node from the base image, for the tests of one file, which names them."""
    name = request.module.__name__.rpartition("test_")[2].replace("_", "-")
    made = Lab(f"awt-{name}", BARE)
    with made.running(keep_artifacts):
        yield made
