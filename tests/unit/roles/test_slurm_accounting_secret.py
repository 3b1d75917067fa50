"""The password of an external database, from a secret: by the role's own tasks, with a program that stands for AWS."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ARN = "arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:slurm-AbCdEf"
PASSWORD = 'hunter2"#\\'
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.include_role: {name: awsome.training.slurm_accounting, tasks_from: secret, public: true}
    - ansible.builtin.copy:
        content: "{{ __slurm_accounting_config.StoragePass }}"
        dest: RESULT
        mode: "0600"
      no_log: true
"""


def run(tmp_path: Path, answer: str, *options: str, secret: str = ARN) -> subprocess.CompletedProcess[str]:
    program = tmp_path / "bin/aws"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/called\n{answer}\n')
    program.chmod(0o755)
    (tmp_path / "play.yml").write_text(PLAY.replace("RESULT", str(tmp_path / "result")))
    told = {"slurm_accounting_database_secret": secret, "slurm_accounting_database_host": "db.example"}
    words = [
        "ansible-playbook",
        "-vvv",
        "-i",
        "localhost,",
        str(tmp_path / "play.yml"),
        "-e",
        json.dumps(told),
        *options,
    ]
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_the_password_reaches_the_file_and_no_command_line_or_log(tmp_path: Path) -> None:
    answer = json.dumps({"SecretString": json.dumps({"username": "slurm", "password": PASSWORD})})
    (tmp_path / "answer").write_text(answer)
    done = run(tmp_path, f"cat {tmp_path}/answer")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "result").read_text() == '"hunter2"\\#\\"'
    assert "hunter2" not in done.stdout + done.stderr
    called = (tmp_path / "called").read_text()
    assert called == f"secretsmanager get-secret-value --secret-id {ARN} --region us-gov-west-1 --output json\n"


@pytest.mark.parametrize(
    ("secret", "extra", "sentence"),
    [
        ("slurm", [], "'slurm' is no ARN of the service secretsmanager"),
        (ARN, ["-e", "slurm_accounting_database_host="], "name the external database that the secret opens"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(
    tmp_path: Path, secret: str, extra: list[str], sentence: str
) -> None:
    done = run(tmp_path, "exit 1", *extra, secret=secret)
    assert done.returncode == 2 and sentence in " ".join(done.stdout.split())
    assert not (tmp_path / "called").exists()


def test_a_secret_without_a_password_is_named_and_not_quoted(tmp_path: Path) -> None:
    done = run(tmp_path, """echo '{"SecretString": "hunter2"}'""")
    assert done.returncode == 2 and "is no JSON object" in done.stdout and "hunter2" not in done.stdout
