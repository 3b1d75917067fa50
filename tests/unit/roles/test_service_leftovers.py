"""What a service has laid on a node before: it is kept, or its absence is told in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.include_role: {name: awsome.training.ROLE, tasks_from: TASKS, public: true}
    - ansible.builtin.debug: {msg: "SAID"}
"""


def run(tmp_path: Path, role: str, tasks: str, said: str = "", **variables: Any) -> tuple[int, str]:
    play = tmp_path / "play.yml"
    play.write_text(PLAY.replace("ROLE", role).replace("TASKS", tasks).replace("SAID", said))
    words = ["ansible-playbook", "-i", "localhost,", str(play), "-e", json.dumps(variables)]
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(("size", "sentence"), [(None, "localhost has no /"), (8, "localhost has only 8 bytes in /")])
def test_a_key_that_the_service_did_not_lay_is_told(tmp_path: Path, size: int | None, sentence: str) -> None:
    key = tmp_path / "munge.key"
    if size:
        key.write_bytes(b"x" * size)
    rc, told = run(tmp_path, "munge", "keep_key", munge_key_from_service=True, munge_key_path=str(key))
    assert rc == 2 and sentence in told and not (size is None and key.exists())


@pytest.mark.parametrize(("role", "want"), [("docker", "/proc/docker"), ("enroot", "/proc/enroot")])
def test_containers_lie_on_the_first_disk_that_is_mounted(tmp_path: Path, role: str, want: str) -> None:
    value = {"docker": "{{ __docker_config['data-root'] }}", "enroot": "{{ __enroot_directory }}"}[role]
    disks = {f"{role}_data_disks": [str(tmp_path), "/proc"]}
    rc, told = run(tmp_path, role, "find_disk", value, **disks, node_profile="compute")
    assert rc == 0 and f"msg: {want}" in told


@pytest.mark.parametrize("role", ["docker", "enroot"])
def test_a_disk_that_is_asked_for_and_absent_is_told(tmp_path: Path, role: str) -> None:
    rc, told = run(tmp_path, role, "find_disk", **{f"{role}_data_disks": [str(tmp_path)]})
    assert rc == 2 and f"{role}_data_disks is {tmp_path}, and nothing is mounted there" in told
