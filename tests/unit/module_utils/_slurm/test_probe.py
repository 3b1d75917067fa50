"""The question to a node, asked of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils._slurm import probe


def asked(conf: Path) -> probe.Answer:
    script = probe.script("/nonexistent", str(conf))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return probe.parse(done.stdout)


def test_nodes_count_wherever_a_service_wrote_them(tmp_path: Path) -> None:
    (tmp_path / "slurm.conf").write_text("ProctrackType=proctrack/cgroup\nInclude nodes.conf\ninclude awsome.conf\n")
    (tmp_path / "nodes.conf").write_text("NodeName=ip-10-0-0-1 CPUs=4\n")
    (tmp_path / "awsome.conf").write_text("NodeName=ours CPUs=1\nMaxArraySize=5\n")
    (tmp_path / "gres.conf").write_text("NodeName=ip-10-0-0-1 Name=gpu\n")
    assert set(asked(tmp_path).present.splitlines()) == {
        "ProctrackType=proctrack/cgroup",
        "NodeName=ip-10-0-0-1 CPUs=4",
        "NodeName=ours CPUs=1",
    }


def test_a_node_without_a_configuration_answers_all_the_same(tmp_path: Path) -> None:
    assert asked(tmp_path / "none").present == "" and asked(tmp_path).present == ""
