"""The module against stand-ins of sbatch, sacct, scontrol, squeue, sinfo and scancel on PATH."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.awsome.training.plugins.modules import workload
from unit.module_utils._launch.launches import raw

RECORDED = Path(__file__).parents[1] / "module_utils/_launch/recorded"

# Each stand-in reads its answer from a file of its own name; an answer that is missing is a program that fails.
FAKE = """#!/bin/sh
echo "${0##*/} $*" >>"$FAKES/calls"
[ "$1 $2" = "show hostnames" ] && { echo c-1; echo c-2; exit 0; }
[ -e "$FAKES/${0##*/}.out" ] || { echo "${0##*/}: error: out of order" >&2; exit 1; }
cat "$FAKES/${0##*/}.out"
"""
SACCT = "7|{state}|{code}:0|c-[1-2]|2026-11-24T08:00:00|2026-11-24T08:00:38|38|cpu\n"


class Cluster:
    """A login node: what its commands answer, and the module on it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.run_dir = root, root / "runs/run"
        (root / "bin").mkdir()
        for name in ("sbatch", "sacct", "scontrol", "squeue", "sinfo", "scancel"):
            (root / "bin" / name).write_text(FAKE)
            (root / "bin" / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{root}/bin:{os.environ['PATH']}")
        monkeypatch.setenv("FAKES", str(root))
        self.answer(squeue="", sinfo="cpu*|2\ngpu|4\n", sbatch="7\n", scancel="")

    def answer(self, **answers: str | None) -> None:
        for name, text in answers.items():
            path = self.root / f"{name}.out"
            path.unlink(missing_ok=True) if text is None else path.write_text(text)

    def ended(self, state: str = "COMPLETED", code: int = 0, events: int = 64) -> None:
        self.answer(squeue="", sacct=SACCT.format(state=state, code=code), scontrol=None)
        lines = (RECORDED / "metrics.jsonl").read_text().splitlines(keepends=True)
        (self.run_dir / "metrics.jsonl").write_text("".join(lines[:events]))

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def __call__(self, check: bool = False, **arguments: Any) -> dict[str, Any]:
        launch = {"workload": raw("fsdp"), "recipe": "debug", "nodes": 2, "code_dir": "/c", "env_dir": "/e"}
        values = {**launch, "run_dir": str(self.run_dir), "_ansible_check_mode": check, **arguments}
        told: dict[str, Any] = {}

        def leave(failed: bool) -> Any:
            def exit_(_module: Any, **result: Any) -> None:
                told.update(result, failed=failed)
                raise SystemExit

            return exit_

        with patch_module_args(values), pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(basic.AnsibleModule, "exit_json", leave(False))
            patch.setattr(basic.AnsibleModule, "fail_json", leave(True))
            workload.main()
        return told


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    yield Cluster(tmp_path, monkeypatch)


def test_rendered_writes_the_job_file_once(cluster: Cluster) -> None:
    first = cluster(state="rendered")
    assert first["changed"] and Path(first["job_file"]).read_text().startswith("#!/bin/bash\n")
    assert not cluster(state="rendered")["changed"]
    assert cluster(state="rendered", nodes=1)["changed"]
    assert not cluster.calls


def test_check_mode_writes_and_submits_nothing(cluster: Cluster) -> None:
    assert cluster(check=True)["changed"]
    assert not cluster.run_dir.exists()
    assert not [call for call in cluster.calls if call.startswith("sbatch")]


def test_submitted_submits_and_tells_the_job(cluster: Cluster) -> None:
    cluster.answer(scontrol="JobId=7 JobState=PENDING Reason=Resources")
    told = cluster()
    assert told["changed"] and told["job"]["job_id"] == 7 and told["job"]["reason"] == "Resources"
    assert f"sbatch --parsable {cluster.run_dir}/job.sbatch" in cluster.calls
    assert json.loads((cluster.run_dir / "job.json").read_text()) == {"job_id": 7}


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "COMPLETING"])
def test_a_run_directory_with_a_live_job_is_left_alone(cluster: Cluster, state: str) -> None:
    cluster.answer(squeue=f"7|{state}|None|{cluster.run_dir}\n", scontrol=f"JobId=7 JobState={state} Reason=None")
    told = cluster()
    assert not told["changed"] and told["job"]["job_id"] == 7
    assert not (cluster.run_dir / "job.sbatch").exists()


def test_a_run_that_completed_is_left_alone_and_one_that_failed_is_submitted_again(cluster: Cluster) -> None:
    cluster()
    cluster.ended()
    assert not cluster()["changed"]
    cluster.ended("FAILED", 1, events=20)
    assert cluster()["changed"]


def test_an_empty_queue_is_no_success(cluster: Cluster) -> None:
    cluster()
    cluster.answer(squeue="", sacct="", scontrol=None)
    told = cluster(state="observed")
    assert told["job"]["state"] == "UNKNOWN" and not told["verdict"]["ok"] and not told["ended"]


def test_without_accounting_scontrol_tells(cluster: Cluster) -> None:
    cluster()
    cluster.ended()
    cluster.answer(sacct=None, scontrol="JobId=7 JobState=COMPLETED Reason=None ExitCode=0:0 NodeList=c-[1-2]")
    told = cluster(state="observed")
    assert told["verdict"]["ok"] and not told["accounted"] and told["job"]["source"] == "scontrol"


def test_the_report_is_written_and_the_failing_nodes_lines_are_told(cluster: Cluster) -> None:
    cluster()
    cluster.ended("FAILED", 1, events=20)
    shutil.copy(RECORDED / "failed.log", cluster.run_dir / "slurm-7.out")
    told = cluster(state="observed", report=True)
    assert told["verdict"]["failure"]["node"] == "compute-2"
    assert told["verdict"]["failure"]["lines"][-1] == "1: error: corpus /x is missing"
    assert json.loads((cluster.run_dir / "result.json").read_text())["hosts"] == ["c-1", "c-2"]
    assert "Not completed" in (cluster.run_dir / "report.html").read_text()


def test_absent_cancels_the_live_job_and_nothing_else(cluster: Cluster) -> None:
    assert not cluster(state="absent")["changed"]
    cluster.answer(squeue=f"7|RUNNING|None|{cluster.run_dir}\n", scontrol="JobId=7 JobState=RUNNING Reason=None")
    assert cluster(check=True, state="absent")["changed"]
    assert "scancel 7" not in cluster.calls
    assert cluster(state="absent")["changed"]
    assert "scancel 7" in cluster.calls


@pytest.mark.parametrize(
    ("answers", "arguments", "sentence"),
    [
        ({}, {"nodes": 3}, "partition 'cpu' has 2 node(s), and 3 were asked for."),
        ({}, {"options": {"partition": "gpux"}}, "Slurm has no partition 'gpux'; there are: cpu, gpu."),
        ({"sinfo": "cpu|2\n"}, {}, "Slurm has no default partition; name one of cpu."),
        ({"sbatch": None}, {}, "sbatch failed with exit code 1 and said: sbatch: error: out of order"),
        ({"sbatch": "what\n"}, {}, "sbatch answered 'what' to "),
        ({"squeue": None}, {}, "squeue failed with exit code 1"),
        ({}, {"workload": {"nam": 1}}, "workload: unknown key 'nam' (did you mean 'name'?)"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    cluster: Cluster, answers: dict[str, str | None], arguments: dict[str, Any], sentence: str
) -> None:
    cluster.answer(**answers)
    told = cluster(**arguments)
    assert told["failed"] and told["msg"].startswith(sentence)


def test_a_missing_command_is_named(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert cluster()["msg"].endswith("squeue: no such program on this node")
