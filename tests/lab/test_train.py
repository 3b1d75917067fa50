"""Training on real machines: to the end, into a failure, and on from a stop."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.harness import Lab

pytestmark = pytest.mark.lab

RUNS = "/fsx/awsome/runs"


class Training(threading.Thread):
    """train.yml in a run directory of its own, in the background."""

    def __init__(self, lab: Lab, name: str, reports: Path, **variables: Any) -> None:
        super().__init__(daemon=True)
        self.lab, self.run_dir = lab, f"{RUNS}/{name}"
        self.report_dir = reports / name
        self.variables = {"train_run_dir": self.run_dir, "train_report_dir": str(reports), "nodes": 2, **variables}
        self.result: Any = None

    def run(self) -> None:
        self.result = self.lab.playbook("train", **self.variables)

    def finish(self, seconds: float = 300) -> Any:
        if not self.is_alive() and self.result is None:
            self.start()
        self.join(seconds)
        assert self.result is not None, "train.yml did not end"
        return self.result

    @property
    def seen(self) -> list[dict[str, Any]]:
        """The events so far, as the nodes wrote them."""
        path = self.lab.shared / Path(self.run_dir).relative_to("/fsx") / "metrics.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def wait_for_step(self, step: int, seconds: float = 240) -> None:
        end = time.monotonic() + seconds
        while not any(event["event"] == "step" and event["step"] >= step for event in self.seen):
            assert self.is_alive(), self.result.stdout[-3000:] if self.result else "train.yml ended"
            assert time.monotonic() < end, f"step {step} did not come within {seconds} s"
            time.sleep(0.2)

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.report_dir / "result.json").read_text())
        return found


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    yield f"test-{int(time.time())}"


@pytest.fixture(scope="module")
def trained(lab: Lab, name: str, reports: Path) -> Training:
    training = Training(lab, f"{name}-whole", reports, train_arguments="max_steps=20")
    result = training.finish(900)
    assert result.returncode == 0, result.stdout[-4000:]
    return training


def test_a_job_trains_to_the_end_and_is_judged_by_its_exit_code(lab: Lab, trained: Training) -> None:
    found = trained.report()
    assert found["ok"] and found["summary"]["steps"] == 20
    assert (found["job"]["state"], found["job"]["exit_code"], found["job"]["source"]) == ("COMPLETED", 0, "sacct")
    assert found["hosts"] == sorted(lab.names("compute"))
    assert found["summary"]["last_loss"] < found["summary"]["first_loss"]
    assert "Trained to the end" in (trained.report_dir / "report.html").read_text()
    assert "step 20/20" in trained.result.stdout


def test_what_a_user_needs_lies_beside_the_metrics_and_is_hers(lab: Lab, trained: Training) -> None:
    login = lab.host("login")
    for file in ("job.sbatch", f"slurm-{trained.report()['job']['job_id']}.out", "metrics.jsonl", "report.html"):
        assert login.file(f"{trained.run_dir}/{file}").user == "demo", file


def test_a_run_that_completed_is_not_submitted_again(lab: Lab, trained: Training, reports: Path) -> None:
    again = Training(lab, Path(trained.run_dir).name, reports, train_arguments="max_steps=20")
    result = again.finish()
    assert result.returncode == 0, result.stdout[-4000:]
    assert "changed=0" in result.stdout.split("PLAY RECAP")[1].splitlines()[1]
    assert len([event for event in again.seen if event["event"] == "start"]) == 1


@pytest.mark.slow
def test_the_job_file_is_fit_to_be_submitted_by_hand(lab: Lab, trained: Training, name: str) -> None:
    login = lab.host("login")
    there = f"{RUNS}/{name}-hand"
    script = f"mkdir {there} && sed s#{trained.run_dir}#{there}#g {trained.run_dir}/job.sbatch >{there}/job.sbatch"
    assert login.run(f"sudo -u demo sh -c '{script}'").rc == 0
    done = login.run(f"sudo -u demo sbatch --wait {there}/job.sbatch")
    assert done.rc == 0, done.stdout + done.stderr
    assert '"status": "completed"' in login.file(f"{there}/metrics.jsonl").content_string


def test_a_job_that_fails_on_one_node_shows_its_last_lines(
    lab: Lab, trained: Training, name: str, reports: Path
) -> None:
    training = Training(lab, f"{name}-killed", reports, train_arguments="max_steps=5000")
    training.start()
    training.wait_for_step(3)
    assert lab.host("compute-2").run("pkill -KILL -f 'python -u .*fsdp/train.py'").rc == 0
    result = training.finish()
    assert result.returncode != 0
    told = result.stdout
    assert f"{lab.prefix}-compute-2, process 0 broke first by signal 9" in " ".join(told.split()), told[-3000:]
    found = training.report()
    assert not found["ok"] and found["failure"]["node"] == f"{lab.prefix}-compute-2"
    assert found["job"]["state"] == "FAILED" and found["job"]["exit_code"] != 0
    assert "Not completed" in (training.report_dir / "report.html").read_text()


@pytest.mark.slow
def test_bad_input_is_one_sentence(lab: Lab, trained: Training, name: str, reports: Path) -> None:
    result = Training(lab, f"{name}-bad", reports, train_arguments="no_such_key=1").finish()
    assert result.returncode != 0
    assert "no_such_key" in result.stdout and "broke first with exit code 2: error: " in " ".join(result.stdout.split())


def test_a_job_that_was_stopped_goes_on_where_it_was(lab: Lab, trained: Training, name: str, reports: Path) -> None:
    first = Training(lab, f"{name}-stopped", reports, train_arguments="max_steps=120")
    first.start()
    first.wait_for_step(3)
    lab.host("login").run("scancel --signal=USR1 --user=demo")
    result = first.finish()
    assert result.returncode != 0 and "submit it again with the same run directory" in " ".join(result.stdout.split())
    stopped = [event for event in first.seen if event["event"] == "end"]
    assert [event["status"] for event in stopped] == ["stopped"]

    second = Training(lab, f"{name}-stopped", reports, train_arguments="max_steps=120")
    result = second.finish()
    assert result.returncode == 0, result.stdout[-4000:]
    starts = [event for event in second.seen if event["event"] == "start"]
    assert [event["resumed_from_step"] for event in starts] == [None, stopped[0]["step"]]
    assert [event["step"] for event in second.seen if event["event"] == "step"] == list(range(1, 121))


def test_a_job_that_waits_too_long_tells_the_schedulers_reason(
    lab: Lab, trained: Training, name: str, reports: Path
) -> None:
    controller, node = lab.host("controller"), f"{lab.prefix}-compute-2"
    controller.run(f"scontrol update nodename={node} state=drain reason=test")
    try:
        result = Training(lab, f"{name}-waits", reports, train_pending_timeout_seconds=5).finish()
    finally:
        controller.run("scancel --user=demo")
        controller.run(f"scontrol update nodename={node} state=resume")
    assert result.returncode != 0
    assert "still waits after" in result.stdout and "the scheduler's reason: " in " ".join(result.stdout.split())
    assert "reason: not told" not in result.stdout
