"""The gpu profile's install doors on Debian 13, with stand-ins; then each check of NVIDIA's roles is made to fail."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from lab.harness import BARE, ROOT, Lab, Podman, run
from standins import build

pytestmark = [pytest.mark.lab, pytest.mark.slow]

# What breaks each check: another version, a library or program that is gone, a device without its daemon.
AGED = "sed -i '/^Package: {}$/,/^$/s/^Version: .*/Version: 1:1.0-1/' /var/lib/dpkg/status"
OTHER = "printf '#!/bin/sh\\necho {}\\n' >{}"
BROKEN = {
    "nvidia_driver.package": AGED.format("nvidia-open"),
    "nvidia_driver.module": "mkdir -p /lib/modules/6.1.0-gone/build",
    "nvidia_driver.flavour": "mkdir -p /lib/modules/6.1.0-gone/build",
    "nvidia_driver.fabric": OTHER.format("yes", "/usr/local/libexec/awsome-has-nvswitch"),
    "cuda.package": AGED.format("cuda-toolkit-[0-9-]*"),
    "cuda.compiler": OTHER.format("release 1.0,", "$(readlink -f /usr/local/cuda/bin/nvcc)"),
    "gdrcopy.release": "rm /usr/local/lib/.gdrcopy-*",
    "gdrcopy.linked": "find /usr -name 'libgdrapi.so*' -delete; ldconfig",
    "gdrcopy.module": "mkdir -p /lib/modules/6.1.0-gone/build",
    "gdrcopy.device": "touch /dev/nvidiactl",
    "nccl.package": AGED.format("libnccl2"),
    "nccl.config": "rm -f /etc/nccl.conf",
    "nccl.linked": "find /usr -name 'libnccl.so*' -delete; ldconfig",
    "nccl_tests.release": "echo nccl-tests 1.0 >/opt/nccl-tests/.built-from",
    "nccl_tests.program": "rm /opt/nccl-tests/bin/all_reduce_perf",
    "dcgm.package": AGED.format("datacenter-gpu-manager-4-cuda[0-9]*"),
    "dcgm.command": OTHER.format("version: 1.0", "/usr/bin/dcgmi"),
    "dcgm.daemon": "touch /dev/nvidiactl",
    "dcgm.sees_gpus": "touch /dev/nvidiactl",
    "nvidia_container_toolkit.package": AGED.format("nvidia-container-toolkit"),
    "nvidia_container_toolkit.command": OTHER.format("version 1.0", "/usr/bin/nvidia-ctk"),
    "nvidia_container_toolkit.described": "touch /dev/nvidiactl",
}
# These ask what only a driver that runs can tell.
NEEDS_A_GPU = {f"nvidia_driver.{word}" for word in ("loaded", "gpus", "persistence")}
PLAY = """\
- hosts: compute
  gather_facts: false
  module_defaults:
    awsome.training.node_check: {{stage: {stage}}}
  vars:
    answers: "{{{{ (hostvars | awsome.training.check_result(ansible_play_hosts)).checks }}}}"
  tasks:
    - ansible.builtin.setup: {{gather_subset: ["!all"]}}
    - ansible.builtin.import_tasks: {root}/playbooks/tasks/walk.yml
      vars: {{door: {door}}}
    - ansible.builtin.copy: {{content: "{{{{ answers | to_json }}}}", dest: "{answers}"}}
      delegate_to: localhost
      changed_when: false
      when: "'{door}' == 'verify'"
"""


@pytest.fixture(scope="module")
def stack(podman: Podman, keep_artifacts: bool) -> Iterator[Lab]:
    mount = f"--volume={build.build()}/mirror:/srv/mirror:ro"
    options = {"lab_platform": "debian13", "lab_profiles": {"compute": "gpu"}, "lab_run_options": [mount]}
    made = Lab("awt-stack", {**BARE, **options})
    with made.running(keep_artifacts):
        made.host("compute-1").check_output("sh /srv/mirror/prepare.sh")
        yield made


def walk(lab: Lab, door: str, stage: str = "node") -> tuple[str, dict[str, str]]:
    """Walk the machine through a door; return what Ansible says, and each check's status."""
    with tempfile.TemporaryDirectory() as work:
        playbook, answers = Path(work) / "walk.yml", Path(work) / "answers.json"
        playbook.write_text(PLAY.format(root=ROOT, door=door, stage=stage, answers=answers))
        inventories = ["-i", str(lab.inventory), "-i", str(build.build() / "inventory.yml")]
        done = run("ansible-playbook", *inventories, str(playbook), ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"))
        assert done.returncode == 0, done.stdout[-6000:]
        told = yaml.safe_load(answers.read_text()) if door == "verify" else []
    return done.stdout, {row["check"]: row["status"] for row in told}


def test_debian_13_has_the_whole_stack_and_a_second_walk_changes_nothing(stack: Lab) -> None:
    walk(stack, "install")
    again, _ = walk(stack, "install")
    assert set(re.findall(r"changed=(\d+)", again)) == {"0"}, again[-6000:]
    _, answers = walk(stack, "verify", "image")
    assert "fail" not in answers.values(), answers
    assert list(answers.values()).count("pass") > 25, answers


def test_every_check_of_nvidias_roles_can_fail(stack: Lab) -> None:
    node = stack.host("compute-1")
    for command in dict.fromkeys(BROKEN.values()):
        node.check_output(command)
    _, answers = walk(stack, "verify")
    roles = {check.partition(".")[0] for check in BROKEN}
    assert {check for check in answers if check.partition(".")[0] in roles} == BROKEN.keys() | NEEDS_A_GPU
    assert {check: answers[check] for check in BROKEN} == dict.fromkeys(BROKEN, "fail")
