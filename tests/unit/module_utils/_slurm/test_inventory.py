"""From hosts to nodes, and what their answers allow."""

from __future__ import annotations

import dataclasses
import subprocess

from ansible_collections.awsome.training.plugins.module_utils._slurm import inventory, probe
from ansible_collections.awsome.training.plugins.module_utils._slurm.inventory import Host

LINE = "CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=1000"
TOLD = f"""\
@version
slurm-wlm 22.05.8
@hardware
NodeName=n1 {LINE}
UpTime=0-00:00:01
@cgroup
tmpfs
@container
podman
@units
slurmd
@present
ProctrackType=proctrack/own
NodeName=n[1-2] Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=950
"""


def test_an_answer_is_read() -> None:
    answer = probe.parse(TOLD)
    assert answer.version == "22.05.8" and answer.running == ("slurmd",)
    assert answer.container and not answer.cgroup
    assert "NodeName=n[1-2]" in answer.present


def test_an_answer_of_a_node_without_slurm_is_empty() -> None:
    assert probe.parse("@version\n@hardware\n@cgroup\n@container\n@units\n@present\n") == probe.Answer()


def test_the_script_prints_its_parts_on_any_machine() -> None:
    done = subprocess.run(
        ["sh", "-c", probe.script("/nowhere", "/nowhere")], capture_output=True, text=True, check=True
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("@")] == [
        "@version",
        "@hardware",
        "@cgroup",
        "@container",
        "@units",
        "@present",
    ]


def test_the_catalogue_comes_before_the_answer_and_that_before_the_present_line() -> None:
    row = {"sockets": 2, "cores": 4, "threads": 1, "memory_mib": 2000, "accelerator": None}
    answer = probe.parse(TOLD)
    hosts = [Host("n0", instance=row, answer=answer), Host("n1", answer=answer), Host("n2"), Host("n3")]
    nodes, missing = inventory.nodes(hosts, answer.present, memory_fraction=0.5)
    memory = {node.name: int(dict(node.settings)["RealMemory"]) for node in nodes}
    assert memory == {"n0": 1000, "n1": 500, "n2": 950}
    assert missing == ["n3"]


def test_a_hosts_own_keys_win_and_null_drops_one() -> None:
    host = Host("n1", answer=probe.parse(TOLD), settings={"RealMemory": None, "Weight": 5}, hostname="other")
    (node,), _ = inventory.nodes([host])
    assert dict(node.settings) == {"Sockets": 1, "CoresPerSocket": 2, "ThreadsPerCore": 1, "Weight": 5}
    assert node.hostname == "other"


def test_one_container_among_the_nodes_decides_how_jobs_are_tracked() -> None:
    metal = probe.parse(TOLD.replace("podman", "none"))
    assert inventory.job_settings([Host("n1", answer=metal)])["ProctrackType"] == "proctrack/cgroup"
    both = [Host("n1", answer=metal), Host("n2", answer=probe.parse(TOLD))]
    assert inventory.job_settings(both)["ProctrackType"] == "proctrack/linuxproc"


def test_hosts_that_are_silent_keep_what_is_configured() -> None:
    controller = probe.parse(TOLD.replace("podman", "none"))
    assert inventory.job_settings([Host("n1")], controller) == {"ProctrackType": "proctrack/own"}
    bare = dataclasses.replace(controller, present="")
    assert inventory.job_settings([Host("n1")], bare) == inventory.BY_CGROUP
    assert inventory.job_settings([Host("n1")], dataclasses.replace(bare, cgroup=False)) == inventory.BY_PROCESS
    some = [Host("n1", answer=probe.parse(TOLD)), Host("n2")]
    assert inventory.job_settings(some, controller) == inventory.BY_PROCESS


def test_cgroup_conf_goes_with_the_tracking_and_the_version() -> None:
    assert inventory.cgroup_settings({"ProctrackType": "proctrack/cgroup"}, "22.05.8")["ConstrainCores"] is True
    assert inventory.cgroup_settings({"ProctrackType": "proctrack/linuxproc"}, "24.11.5") == {
        "CgroupPlugin": "disabled"
    }
    assert "CgroupPlugin" not in inventory.cgroup_settings({"ProctrackType": "proctrack/linuxproc"}, "22.05.8")
