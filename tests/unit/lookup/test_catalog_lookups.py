"""The catalogue's lookups, asked by a real play: what playbooks see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    mirror_host: mirror.example
    repository_mirror_url: "http://{{ mirror_host }}"
  tasks:
    - name: Ask without facts
      ansible.builtin.debug:
        msg: "{{ query('awsome.training.platform_vars', ROLE) }}"
      ignore_errors: true
      register: without_facts
    - name: Ask for a type that does not exist
      ansible.builtin.debug:
        msg: "{{ lookup('awsome.training.instance', 'p5.49xlarge') }}"
      ignore_errors: true
      register: unknown_type
    - name: Ask for a repository without facts
      ansible.builtin.debug:
        msg: "{{ lookup('awsome.training.repository', 'docker') }}"
      ignore_errors: true
      register: repository_without_facts
    - name: Have facts
      ansible.builtin.set_fact:
        os_family: RedHat
        distribution: AlmaLinux
        distribution_major_version: "9"
        architecture: x86_64
        cacheable: true
    - name: Ask for a repository that does not serve this system
      ansible.builtin.debug:
        msg: "{{ lookup('awsome.training.repository', 'zzz') }}"
      ignore_errors: true
      register: unknown_repository
    - name: Ask
      ansible.builtin.copy:
        dest: OUT
        mode: "0600"
        content: "{{ answers | to_json }}"
      vars:
        answers:
          instances: "{{ query('awsome.training.instance', 'ml.p4d.24xlarge', 'p4d.24xlarge') }}"
          suite: "{{ lookup('awsome.training.platform', 'debian12').suite }}"
          roles: "{{ lookup('awsome.training.profile', 'compute').roles }}"
          order: "{{ query('awsome.training.walk_order') }}"
          url: "{{ lookup('awsome.training.component', 'slurm').url }}"
          files: "{{ query('awsome.training.platform_vars', ROLE) | map('basename') }}"
          repository: "{{ lookup('awsome.training.repository', 'docker', platform='debian12') }}"
          unknown_repository: "{{ unknown_repository.msg }}"
          repository_without_facts: "{{ repository_without_facts.msg }}"
          without_facts: "{{ without_facts.msg }}"
          unknown_type: "{{ unknown_type.msg }}"
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    here = tmp_path_factory.mktemp("lookups")
    (here / "role/vars").mkdir(parents=True)
    for name in ("redhat", "almalinux_9", "main"):
        (here / f"role/vars/{name}.yml").touch()
    (here / "play.yml").write_text(PLAY.replace("ROLE", f"'{here}/role'").replace("OUT", f"{here}/answers.json"))
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "-c", "local", here / "play.yml"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads((here / "answers.json").read_text())
    return result


def test_each_answers_its_row(answers: dict[str, Any]) -> None:
    first, second = answers["instances"]
    assert first == second and first["accelerator"]["count"] == 8
    assert answers["suite"] == "bookworm"
    assert answers["roles"] == [role for role in answers["order"] if role in answers["roles"]]
    assert answers["url"].startswith("https://")


def test_platform_vars_lists_what_exists_from_the_general_to_the_particular(answers: dict[str, Any]) -> None:
    assert answers["files"] == ["redhat.yml", "almalinux_9.yml"]


def test_a_repository_is_settled_and_comes_from_the_mirror(answers: dict[str, Any]) -> None:
    assert answers["repository"]["type"] == "apt" and answers["repository"]["arch"] == "amd64"
    assert answers["repository"]["url"].startswith("http://mirror.example/download.docker.com/")
    assert answers["repository"]["key_url"].startswith("http://mirror.example/download.docker.com/")
    assert "catalog/repositories.yml has no 'zzz'" in answers["unknown_repository"]
    said = "repository: the host has no fact distribution, distribution_major_version, architecture; gather"
    assert said in answers["repository_without_facts"]


def test_errors_are_the_catalogues_sentences(answers: dict[str, Any]) -> None:
    assert (
        "catalog/instances.yml has no 'p5.49xlarge'; the nearest are p5.4xlarge, p5.48xlarge" in answers["unknown_type"]
    )
    sentence = (
        "the host has no fact os_family, distribution, distribution_major_version; gather the subset 'min' first."
    )
    assert sentence in answers["without_facts"]
