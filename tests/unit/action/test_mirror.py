"""The whole catalogue is planned from the real roles, without a node and without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils._catalog import load

ROOT = Path(__file__).parents[3]


def foretold(tmp_path: Path, platform: str, **options: Any) -> dict[str, Any]:
    """What check mode answers for the profile gpu."""
    task = {"path": str(tmp_path / "mirror"), "lock_path": str(tmp_path / "lock.yml"), "profiles": ["gpu"]}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    task |= {"platforms": [platform], **options}
    play["tasks"] = [{"name": "Mirror", "awsome.training.mirror": task, "ignore_errors": True}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "--check", "-i", "localhost,", tmp_path / "play.yml"],
        cwd=ROOT, env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    return answer


@pytest.mark.parametrize("platform", ["debian12", "rhel9"])
def test_real_roles_are_planned(tmp_path: Path, platform: str) -> None:
    answer = foretold(tmp_path, platform, packages={"fsx_lustre": []} if platform == "rhel9" else {})
    assert answer["msg"] == f"{tmp_path}/lock.yml would be written, and 0 files fetched."
    assert answer["changed"] and not (tmp_path / "mirror").exists() and not (tmp_path / "lock.yml").exists()
    records, told = load().components, "\n".join(answer["planned"])
    assert f"slurm {records['slurm']['version']}: https://" in told
    assert f"={records['nccl']['version']}-1+cuda" in told


def test_the_users_variables_count(tmp_path: Path) -> None:
    mine = foretold(tmp_path, "debian12", packages={"nvidia_cuda": ["libnccl2"]})
    assert [line.rpartition(": ")[2] for line in mine["planned"] if "repository nvidia_cuda" in line] == ["libnccl2"]
    none = foretold(tmp_path, "debian12", packages={"nvidia_cuda": []})
    assert not [line for line in none["planned"] if "repository nvidia_cuda" in line]
