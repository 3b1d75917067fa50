"""The module, the lookups, the filters and the audit, run by real plays on a root of recorded files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FILES = {
    "etc/os-release": 'ID=ubuntu\nVERSION_ID="24.04"\n',
    "opt/amazon/efa_installed_packages": "# EFA installer version: 1.47.0\n",
    "usr/local/cuda/version.json": '{"cuda": {"name": "CUDA SDK", "version": "13.0.2"}}',
    "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n",
}
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Judge on the node
      awsome.training.component_versions:
        root: SYSTEM
        rules: "{{ asked.rules }}"
        platform: "{{ asked.platform }}"
        instance_types: "{{ asked.instance_types }}"
      register: seen
      vars:
        instance_type: p6e-gb200.36xlarge
        asked: "{{ lookup('awsome.training.compatibility_rules') }}"
    - {name: No root, awsome.training.component_versions: {root: /nowhere}, ignore_errors: true, register: no_root}
    - name: Two places
      awsome.training.component_versions: {root: SYSTEM, image: x}
      ignore_errors: true
      register: two
    - name: No podman
      awsome.training.component_versions: {image: localhost/none}
      environment: {PATH: /nowhere}
      ignore_errors: true
      register: no_podman
    - name: No such image
      awsome.training.component_versions: {image: localhost/none}
      environment: {PATH: "BIN:/usr/bin:/bin"}
      ignore_errors: true
      register: no_image
    - name: A rule that is none
      awsome.training.component_versions: {root: SYSTEM, rules: {it: {kind: wish, reason: x, source: y}}}
      ignore_errors: true
      register: no_rule
    - name: No such type
      ansible.builtin.debug:
        msg: "{{ {'cuda': '13.0.2'} | awsome.training.compatibility('ubuntu2404', ['p5.49xlarge']) }}"
      ignore_errors: true
      register: no_type
    - name: No record
      ansible.builtin.debug:
        msg: "{{ lookup('awsome.training.planned_components', 'gpu') }}"
      vars: {cuda_release: "13.0"}
      ignore_errors: true
      register: no_record
    - name: Plan
      ansible.builtin.set_fact:
        planned: "{{ lookup('awsome.training.planned_components', 'gpu') }}"
      vars:
        overridden: "13.0.1"
        cuda_release: {version: "{{ overridden }}"}
    - name: Tell
      ansible.builtin.copy:
        dest: OUT
        mode: "0600"
        content: "{{ answers | to_json }}"
      vars:
        answers:
          seen: "{{ seen }}"
          facts: "{{ awsome_check_compatibility | default(ansible_facts.awsome_check_compatibility) }}"
          planned: "{{ planned }}"
          refused: "{{ {'cuda': '13.0.2', 'nvidia_driver': '570.26'} | awsome.training.compatibility }}"
          troubles: "{{ [no_root, two, no_podman, no_image, no_rule, no_type, no_record] | map(attribute='msg') }}"
"""


def play(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "ansible-playbook"), *arguments, "-e", "ansible_become=false"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "PWD": str(cwd)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("system")
    for name, content in FILES.items():
        (base / name).parent.mkdir(parents=True)
        (base / name).write_text(content)
    return base


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, system: Path) -> dict[str, Any]:
    here = tmp_path_factory.mktemp("play")
    podman = here / "bin/podman"
    podman.parent.mkdir()
    podman.write_text("#!/bin/sh\necho 'Error: localhost/none: image not known' >&2\nexit 125\n")
    podman.chmod(0o755)
    text = PLAY.replace("SYSTEM", str(system)).replace("OUT", f"{here}/out.json").replace("BIN", str(podman.parent))
    (here / "play.yml").write_text(text)
    done = play(here, "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads((here / "out.json").read_text())
    return result


def test_a_root_is_read(answers: dict[str, Any]) -> None:
    seen = answers["seen"]
    assert seen["components"]["efa"] == {"version": "1.47.0", "how": "/opt/amazon/efa_installed_packages"}
    assert seen["components"]["nccl"] is None
    assert (seen["system"], seen["changed"]) == ({"id": "ubuntu", "version_id": "24.04"}, False)


def test_rules_are_judged_and_left_as_answers_of_a_check(answers: dict[str, Any]) -> None:
    facts = {one["check"]: one for one in answers["facts"]}
    assert facts["compatibility.cuda_driver"]["status"] == "pass"
    assert facts["compatibility.p6e_gb200_driver"]["status"] == "fail"
    assert "here is nvidia_driver 580.95.05; change one of them" in facts["compatibility.p6e_gb200_driver"]["reason"]
    assert facts["compatibility.cuda_driver"].keys() == {"check", "status", "reason", "seconds"}


def test_a_plan_knows_defaults_and_overrides(answers: dict[str, Any]) -> None:
    planned = answers["planned"]
    assert planned["cuda"] == "13.0.1"
    assert planned["efa"] and planned["libfabric"] and planned["nvidia_module"] == "open"
    assert "slurm" in planned


def test_a_filter_refuses(answers: dict[str, Any]) -> None:
    assert [one["verdict"] for one in answers["refused"]] == ["refused"]


@pytest.mark.parametrize(
    "sentence",
    [
        "component_versions: root /nowhere is no directory; name the root of a system, such as a mounted image.",
        "and image x are two places; name one.",
        "component_versions: image localhost/none cannot be looked at: podman is not installed here; install it",
        "component_versions: image localhost/none cannot be mounted: Error: localhost/none: image not known; pull or",
        "component_versions: compatibility rule it: 'wish' is missing or unknown; a rule has kind, reason and source",
        "compatibility: catalog/instances.yml has no 'p5.49xlarge'; the nearest are",
        "planned_components: cuda_release is '13.0', expected a record such as lookup('awsome.training.component',",
    ],
)
def test_each_trouble_is_one_sentence(answers: dict[str, Any], sentence: str) -> None:
    assert [one for one in answers["troubles"] if sentence in one], answers["troubles"]


# --- playbooks/audit.yml


def audit(cwd: Path, system: Path, **options: Any) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    values = json.dumps({"audit_root": str(system), "node_profile": "controller", **options})
    done = play(cwd, str(ROOT / "playbooks/audit.yml"), "-e", values)
    return done, json.loads((cwd / "audit.json").read_text())


def test_an_audit_tells_drift_and_passes_unless_it_is_strict(tmp_path: Path, system: Path) -> None:
    done, result = audit(tmp_path, system)
    assert (done.returncode, result["status"]) == (0, "drift"), done.stdout + done.stderr
    rows = {row["component"]: row for row in result["rows"]}
    assert (rows["slurm"]["verdict"], rows["efa"]["verdict"]) == ("missing", "unpinned")
    assert rows["efa"]["host"] == str(system)
    assert "component" in done.stdout and "1.47.0" in done.stdout
    strict, _ = audit(tmp_path, system, audit_strict=True)
    assert strict.returncode == 2
    output = " ".join(strict.stdout.split())
    assert "Something has drifted from what is pinned: the table above tells what, and" in output


def test_an_audit_fails_on_versions_that_do_not_go_together(tmp_path: Path, system: Path) -> None:
    done, result = audit(tmp_path, system, instance_type="p6e-gb200.36xlarge")
    assert (done.returncode, result["status"]) == (2, "refused"), done.stdout + done.stderr
    output = " ".join(done.stdout.split())
    assert "refused: p6e_gb200_driver: p6e-gb200.36xlarge asks for nvidia_driver >=580.126.20 and <595" in output
    assert "The rules refuse what is installed: the table above tells what" in output
