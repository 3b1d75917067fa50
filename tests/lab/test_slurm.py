"""Slurm on the lab's machines: it runs jobs, and keeps them through restarts and changes of the inventory."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import compress, expand
from lab.harness import Lab, run

pytestmark = pytest.mark.lab


def wait(what: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.3)
    return False


def state(lab: Lab, job: str) -> str:
    return str(
        lab.host("controller").check_output("squeue --noheader --states=all --format=%%T --jobs=%s", job).strip()
    )


@pytest.fixture
def job(lab: Lab) -> Iterator[str]:
    """A job on the first compute node that would run for ten minutes."""
    submit = "sbatch --parsable --chdir=/tmp --output=/dev/null --nodelist=%s --wrap 'sleep 600'"
    controller = lab.host("controller")
    number = controller.check_output(submit, f"{lab.prefix}-compute-1").strip()
    assert wait(lambda: state(lab, number) == "RUNNING")
    yield number
    controller.check_output("scancel %s", number)
    assert wait(lambda: not controller.check_output("squeue --noheader --jobs=%s 2>/dev/null || true", number).strip())


def conf(lab: Lab) -> str:
    return str(lab.host("controller").file("/etc/slurm/slurm.conf").content_string)


def site(lab: Lab, inventory: Path, *arguments: str) -> Any:
    return run("ansible-playbook", "-i", str(inventory), "playbooks/site.yml", *arguments)


def without(group: Any, host: str) -> Any:
    """An inventory, read as data, with one host left out wherever it stands."""
    if not isinstance(group, dict):
        return group
    return {name: without(value, host) for name, value in group.items() if name != host}


def test_only_the_controller_holds_a_configuration(lab: Lab) -> None:
    assert lab.host("controller").file("/etc/slurm/slurm.conf").exists
    assert not lab.host("compute-1").file("/etc/slurm/slurm.conf").exists
    assert lab.host("compute-1").file("/run/slurm/conf/slurm.conf").exists


def test_a_step_runs_on_two_nodes_from_the_login_node(lab: Lab) -> None:
    said = lab.host("login").check_output("cd /tmp && srun --nodes=2 hostname").split()
    assert sorted(said) == [f"{lab.prefix}-compute-1", f"{lab.prefix}-compute-2"]


def test_a_batch_job_runs_from_the_login_node(lab: Lab) -> None:
    out = lab.shared / "test-slurm.out"
    lab.host("login").check_output(
        "cd /tmp && sbatch --wait --nodes=2 --output=/fsx/test-slurm.out --wrap 'srun hostname'"
    )
    assert wait(out.exists) and len(out.read_text().split()) == 2
    out.unlink()


def test_a_drained_node_takes_no_job_until_it_is_resumed(lab: Lab) -> None:
    controller, node = lab.host("controller"), f"{lab.prefix}-compute-2"
    controller.check_output("scontrol update nodename=%s state=drain reason=test", node)
    assert "drain" in controller.check_output("sinfo --noheader --nodes=%s --format=%%T", node)
    assert controller.run("cd /tmp && timeout 5 srun --immediate=2 --nodelist=%s hostname", node).rc != 0
    controller.check_output("scontrol update nodename=%s state=resume", node)
    assert controller.check_output("cd /tmp && srun --nodelist=%s hostname", node) == node


def test_our_host_lists_are_slurms(lab: Lab) -> None:
    controller = lab.host("controller")
    for expression in ("n[1,01]", "n[098-101]", "a[1-2]b[1-2]", "n[8-11],m1", "10.0.0.[1-3]"):
        assert controller.check_output("scontrol show hostnames %s", expression).split() == expand(expression)
    names = ["n3", "n1", "n2", "n10", "m1", "x-09", "x-10"]
    written = controller.check_output("scontrol show hostlistsorted %s", ",".join(names)).strip()
    assert sorted(expand(written)) == sorted(expand(compress(names))) == sorted(names)


def test_a_job_outlives_the_daemons(lab: Lab, job: str) -> None:
    lab.host("controller").check_output("systemctl restart slurmctld")
    lab.host("compute-1").check_output("systemctl restart slurmd")
    assert wait(lambda: lab.host("controller").run("scontrol ping | grep -q UP").rc == 0)
    assert state(lab, job) == "RUNNING"


def test_a_node_leaves_and_comes_back_beside_a_running_job(lab: Lab, job: str, tmp_path: Path) -> None:
    before = conf(lab)
    smaller = tmp_path / "inventory.yml"
    smaller.write_text(yaml.safe_dump(without(yaml.safe_load(lab.inventory.read_text()), f"{lab.prefix}-compute-2")))
    result = site(lab, smaller)
    assert result.returncode == 0, result.stdout[-4000:]
    assert f"{lab.prefix}-compute-2" not in lab.host("controller").check_output("sinfo --noheader --format=%N --Node")
    assert state(lab, job) == "RUNNING"
    result = site(lab, lab.inventory)
    assert result.returncode == 0, result.stdout[-4000:]
    assert conf(lab) == before and state(lab, job) == "RUNNING"
    assert lab.host("controller").run("cd /tmp && srun --nodelist=%s hostname", f"{lab.prefix}-compute-2").rc == 0


def test_a_play_for_the_controller_alone_keeps_the_nodes(lab: Lab) -> None:
    before = conf(lab)
    result = site(lab, lab.inventory, "--limit", f"localhost,{lab.prefix}-controller")
    assert result.returncode == 0, result.stdout[-4000:]
    assert conf(lab) == before


def test_hooks_run_in_order_and_may_be_none(lab: Lab) -> None:
    compute, login = lab.host("compute-1"), lab.host("login")
    assert compute.file("/etc/slurm/prolog.d").is_directory
    script = "/etc/slurm/prolog.d/50-test"
    compute.check_output(
        "printf '#!/bin/sh\\necho $SLURM_JOB_ID >/tmp/prolog-ran\\n' > %s && chmod 755 %s", script, script
    )
    try:
        login.check_output("cd /tmp && srun --nodelist=%s hostname", f"{lab.prefix}-compute-1")
        assert compute.file("/tmp/prolog-ran").content_string.strip().isdigit()
    finally:
        compute.check_output("rm -f %s /tmp/prolog-ran", script)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("slurm_partitions: {gpus: {MaxTime: 60}}", "slurm_partitions: 'gpus' is no group below 'compute' (cpu)"),
        ("slurm_config: {MpiDefault: {a: 1}}", "slurm.conf: MpiDefault: the value"),
    ],
)
def test_a_bad_setting_is_told_and_changes_nothing(lab: Lab, option: str, sentence: str) -> None:
    before = conf(lab)
    result = site(lab, lab.inventory, "-e", f"{{{option}}}")
    assert result.returncode != 0
    assert sentence in re.sub(r"\s+", " ", result.stdout.replace("''", "'"))
    assert conf(lab) == before


def test_a_services_file_is_extended_and_never_overwritten(lab: Lab) -> None:
    login = lab.host("login")
    login.check_output("mkdir -p /tmp/etc && printf 'ClusterName=theirs\\nNodeName=n1 CPUs=1\\n' > /tmp/etc/slurm.conf")
    text = "ClusterName=ours\nNodeName=n[1-2] CPUs=1\n"
    arguments = json.dumps({"directory": "/tmp/etc", "extend": True, "files": {"slurm.conf": text}})
    module = ("ansible", "-i", str(lab.inventory), f"{lab.prefix}-login", "-m", "awsome.training.slurm_config")
    outputs = [run(*module, "-a", arguments).stdout for _ in range(2)]
    assert "CHANGED" in outputs[0] and "SUCCESS" in outputs[1]
    assert login.file("/tmp/etc/slurm.conf").content_string.endswith("NodeName=n1 CPUs=1\ninclude awsome.conf\n")
    assert login.file("/tmp/etc/awsome.conf").content_string.strip() == "NodeName=n2 CPUs=1"
    login.check_output("rm -r /tmp/etc")
