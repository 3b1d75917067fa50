"""pyxis on the lab's real Slurm, configless: a small plugin of its name is built, listed and loaded on each node."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.harness import Lab, Podman, run

pytestmark = pytest.mark.lab
LISTED = "/etc/slurm/plugstack.conf.d/awsome-pyxis.conf"
OPTIONS = {"node_profile": "cpu", "slurm_slurmdbd_host": ""}
PLAY = """\
- hosts: controller:login:compute
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - ansible.builtin.setup:
        gather_subset: ["!all"]
    - ansible.builtin.include_role:
        name: "awsome.training.{{ item }}"
      loop: "{{ walked }}"
"""


@pytest.fixture(scope="module")
def standins() -> Path:
    """Where the stand-ins are."""
    built = run(sys.executable, "tests/standins/build.py", timeout=120)
    assert built.returncode == 0, built.stdout
    return Path(built.stdout.split()[-1])


def converge(lab: Lab, standins: Path, **options: Any) -> Any:
    """Apply the role behind those that it needs."""
    play = lab.state / "pyxis.yml"
    play.write_text(PLAY)
    values = json.dumps({**OPTIONS, "walked": ["munge", "slurm", "pyxis"], **options})
    inventories = ("-i", str(lab.inventory), "-i", str(standins / "inventory.yml"))
    return run("ansible-playbook", *inventories, "-e", values, str(play))


@pytest.fixture(scope="module")
def cluster(podman: Podman, standins: Path, keep_artifacts: bool) -> Iterator[Lab]:
    """A controller, a login node and a compute node, all with the plugin."""
    mount = f"--volume={standins}/mirror:/srv/mirror:ro"
    made = Lab("awt-pyxis", {"lab_num_compute": 1, "lab_run_options": [mount]})
    with made.running(keep_artifacts):
        for function in ("controller", "login", "compute-1"):
            made.host(function).check_output("sh /srv/mirror/prepare.sh")
        result = converge(made, standins)
        assert result.returncode == 0, result.stdout[-6000:]
        yield made


def times_known(lab: Lab, function: str) -> str:
    return str(lab.host(function).check_output("srun --help | grep --count -- --container-image="))


def changes(output: str) -> list[str]:
    return re.findall(r"^(?!localhost)(\S+) .*changed=([1-9]\d*)", output, re.MULTILINE)


@pytest.mark.parametrize("function", ["login", "compute-1"])
def test_commands_know_the_plugin_once(cluster: Lab, function: str) -> None:
    assert times_known(cluster, function) == "1"


def test_a_task_is_told_its_image(cluster: Lab) -> None:
    said = cluster.host("login").check_output("cd /tmp && srun --container-image=ubuntu:24.04 env")
    assert "STANDIN_CONTAINER_IMAGE=ubuntu:24.04" in said.splitlines()
    assert "STANDIN" not in cluster.host("login").check_output("cd /tmp && srun env")


def test_each_node_reads_its_own_stack(cluster: Lab) -> None:
    """What the controller hands out has no part in it: a node without the plugin still runs jobs."""
    told = cluster.host("compute-1").check_output("scontrol show config | grep PlugStackConfig")
    assert told.split()[-1] == "/etc/slurm/plugstack.conf"
    login = cluster.host("login")
    login.check_output("mv %s /tmp", LISTED)
    try:
        assert login.check_output("cd /tmp && srun hostname") == f"{cluster.prefix}-compute-1"
        assert "unrecognized option" in login.check_output("cd /tmp && srun --container-image=x hostname 2>&1 || true")
    finally:
        login.check_output("mv /tmp/awsome-pyxis.conf %s", LISTED)


def test_a_second_run_changes_nothing(cluster: Lab, standins: Path) -> None:
    result = converge(cluster, standins)
    assert result.returncode == 0 and not changes(result.stdout), result.stdout[-6000:]


def test_a_slurmd_that_is_older_than_the_plugin_is_started_anew(cluster: Lab, standins: Path) -> None:
    compute = cluster.host("compute-1")
    before = compute.check_output("systemctl show --property=MainPID --value slurmd")
    compute.check_output("touch /usr/local/lib/slurm/spank_pyxis.so")
    result = converge(cluster, standins)
    assert result.returncode == 0, result.stdout[-6000:]
    assert compute.check_output("systemctl show --property=MainPID --value slurmd") != before
    assert changes(result.stdout) == [(f"{cluster.prefix}-compute-1", "1")]


def test_a_plugin_that_somebody_else_listed_is_not_listed_again(cluster: Lab, standins: Path) -> None:
    login = cluster.host("login")
    site = "/etc/slurm/plugstack.conf.d/site.conf"
    login.check_output("cp %s %s", LISTED, site)
    try:
        assert "provided by both" in login.check_output("srun --help 2>&1")
        result = converge(cluster, standins)
        assert result.returncode == 0, result.stdout[-6000:]
        assert not login.file(LISTED).exists and times_known(cluster, "login") == "1"
        assert "provided by both" not in login.check_output("srun --help 2>&1")
    finally:
        login.check_output("mv %s %s", site, LISTED)


def test_without_slurm_it_is_told(cluster: Lab, standins: Path) -> None:
    result = converge(cluster, standins, pyxis_slurm_prefix="/opt/nowhere", walked=["pyxis"])
    told = re.sub(r"\s+", " ", result.stdout)
    assert result.returncode != 0
    assert "login has no Slurm below /opt/nowhere, against which it is built; put role slurm before pyxis" in told
