"""NVIDIA's driver as Debian has it: DKMS really compiles the open module against a kernel's headers."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab.harness import Lab, run

pytestmark = pytest.mark.lab
HEADERS = "linux-headers-cloud-amd64"
OPTIONS = {
    "node_profile": "gpu",
    "nvidia_driver_source": "distribution",
    # The kernel that runs is the host's, whose headers no archive may have.
    "nvidia_driver_kernel_headers": [HEADERS],
}


def walk(lab: Lab, door: str, **options: Any) -> tuple[int, str]:
    """Take one role through one door on the controller."""
    role = {"name": "awsome.training.nvidia_driver", "tasks_from": door}
    tasks = [
        {"name": "Gather facts", "ansible.builtin.setup": {"gather_subset": ["!all"]}},
        {"name": "Walk", "ansible.builtin.include_role": role},
        {"name": "Tell", "ansible.builtin.debug": {"var": "awsome_check_nvidia_driver | default([])"}},
    ]
    play = {"hosts": "controller", "gather_facts": False, "vars": {**OPTIONS, **options}, "tasks": tasks}
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "play.yml"
        file.write_text(yaml.safe_dump([play]))
        done = run("ansible-playbook", "-i", str(lab.inventory), str(file), timeout=1500)
    return done.returncode, " ".join(done.stdout.split())


def test_a_kernel_without_headers_is_one_sentence(bare: Lab) -> None:
    status, said = walk(bare, "install", nvidia_driver_kernel_headers=["linux-headers-0.0-none"])
    assert status != 0
    assert f"nvidia_driver: {bare.prefix}-controller runs kernel" in said and "linux-headers-0.0-none" in said, said
    assert "or set nvidia_driver_kernel_headers" in said


@pytest.mark.slow
def test_the_open_module_is_compiled_and_found(bare: Lab) -> None:
    host = bare.host("controller")
    host.check_output("sed -i 's/ main$/ main contrib non-free non-free-firmware/' /etc/apt/sources.list")
    host.check_output("apt-get -qq update")
    # A kernel of the security archive may be too new for Debian's driver; that of its release is not.
    listed = host.check_output(f"apt-cache madison {HEADERS}")
    version = next(
        row.split("|")[1].strip() for row in listed.splitlines() if "/debian " in row and "security" not in row
    )
    status, said = walk(bare, "install", nvidia_driver_kernel_headers=[f"{HEADERS}={version}"])
    assert status == 0, said[-3000:]
    built = host.check_output("dkms status")
    assert built and all("installed" in line for line in built.splitlines()), built
    status, said = walk(bare, "verify")
    answers = dict(re.findall(r"check: nvidia_driver.(\w+) reason: .*? seconds: \S+ status: (\S+)", said))
    assert answers["flavour"] == "pass" and answers["gpus"] == "not-checked", said[-3000:]
