"""The whole cluster on Debian 13, whose Slurm is newer (with sackd), and whose Python is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lab.harness import Lab, Podman
from lab.test_topology import assert_same, placed

pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture(scope="module")
def trixie(podman: Podman, keep_artifacts: bool) -> Iterator[Lab]:
    made = Lab("awt-trixie", {"lab_platform": "debian13", "lab_num_compute": 1})
    with made.running(keep_artifacts, "site"):
        yield made


def test_a_user_runs_a_job_from_the_login_node(trixie: Lab) -> None:
    ran = trixie.host("login").run("su - demo -c 'srun --nodes 1 grep VERSION_CODENAME /etc/os-release'")
    assert ran.stdout.strip() == "VERSION_CODENAME=trixie", ran.stderr


def test_a_second_run_changes_nothing_and_every_check_passes(trixie: Lab) -> None:
    again = trixie.playbook("site")
    assert set(re.findall(r"changed=(\d+)", again.stdout)) == {"0"}, again.stdout[-6000:]
    verified = trixie.playbook("verify")
    assert verified.returncode == 0 and '"fail": 0, "not-checked": 0' in verified.stdout, verified.stdout[-3000:]


@pytest.mark.parametrize(("count", "domain"), [(1, 1), (36, 18), (64, 18), (72, 18)])
def test_slurmctld_loads_blocks(trixie: Lab, count: int, domain: int) -> None:
    nodes = [replace(node, switches=()) for node in placed(count, domain=domain)]
    shown = assert_same(trixie.host("controller"), nodes, "BlockName")
    assert sum(len(row["Nodes"]) for row in shown.values()) == count
