"""A real ansible-playbook over two small roles: what the callback plugin prints, and what it writes."""

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
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: "{{ item }}", tasks_from: install}
      loop: [alpha, beta]
    - ansible.builtin.include_role: {name: "{{ item }}", tasks_from: configure}
      loop: [alpha, beta]
"""
TASKS = {
    "alpha/tasks/install.yml": '- ansible.builtin.command: "true"\n',
    "alpha/tasks/configure.yml": "- ansible.builtin.include_role: {name: inner}\n",
    "inner/tasks/main.yml": "- ansible.builtin.debug: {msg: of alpha}\n",
    "beta/tasks/install.yml": (
        "- block: [{ansible.builtin.fail: {msg: rescued}}]\n  rescue: [{ansible.builtin.debug: {msg: well}}]\n"
    ),
    "beta/tasks/configure.yml": "- name: Fail\n  ansible.builtin.fail: {msg: 'beta: the disk is gone'}\n",
}
STEPS = ["install alpha", "install beta", "configure alpha", "configure beta"]


def play(path: Path, steps: list[str], **tasks: str) -> tuple[str, list[dict[str, Any]]]:
    for name, text in {**TASKS, **{key.replace("__", "/") + ".yml": text for key, text in tasks.items()}}.items():
        target = path / "roles" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (path / "play.yml").write_text(PLAY)
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "awsome.training.boot_status",
        "ANSIBLE_NOCOLOR": "1",
        "AWSOME_BOOT_EVENTS": str(path / "events.jsonl"),
        "AWSOME_BOOT_RUN": "7",
        "AWSOME_BOOT_STEPS": json.dumps(steps),
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(path / "play.yml")]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = (path / "events.jsonl").read_text().splitlines() if (path / "events.jsonl").exists() else []
    return done.stdout + done.stderr, [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    return play(tmp_path_factory.mktemp("play"), STEPS)


def test_every_role_of_a_door_is_a_step_and_roles_inside_it_are_none(failed: tuple[str, list[dict[str, Any]]]) -> None:
    events = failed[1]
    assert [(event["event"], event["step"]) for event in events] == [
        pair for step in STEPS for pair in (("step_begin", step), ("step_end", step))
    ]
    assert {event["run"] for event in events} == {"7"} and all(event["walk"] for event in events)


def test_what_was_rescued_is_no_failure_and_the_last_word_is_the_error(
    failed: tuple[str, list[dict[str, Any]]],
) -> None:
    ends = {event["step"]: event for event in failed[1] if event["event"] == "step_end"}
    assert [ends[step]["state"] for step in STEPS] == ["ok", "ok", "ok", "failed"]
    assert ends["configure beta"]["error"] == "beta: the disk is gone" and ends["install beta"]["error"] == ""
    assert ends["install alpha"]["changed"] == 1


def test_a_step_is_one_line_with_its_seconds(failed: tuple[str, list[dict[str, Any]]]) -> None:
    lines = [line for line in failed[0].splitlines() if line.strip() and not line.startswith(("[", "<", "Origin", " "))]
    assert [line.partition(":")[0] for line in lines if line.partition(":")[0] in STEPS] == STEPS
    assert any(line.startswith("configure beta: failed after ") for line in lines)


def test_a_secret_is_neither_printed_nor_written(tmp_path: Path) -> None:
    secret = "- ansible.builtin.fail: {msg: hunter2}\n  no_log: true\n"
    text, events = play(tmp_path, STEPS, beta__tasks__configure=secret)
    assert "hunter2" not in text and "hunter2" not in json.dumps(events)
    assert events[-1]["state"] == "failed"


def test_only_the_steps_that_are_left_are_told(tmp_path: Path) -> None:
    _, events = play(tmp_path, STEPS[2:])
    assert [event["step"] for event in events if event["event"] == "step_begin"] == STEPS[2:]
