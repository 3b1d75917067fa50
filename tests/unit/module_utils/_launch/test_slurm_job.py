"""What sacct, scontrol and squeue say, and whom to believe."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._launch import slurm_job
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_job import Job

SCONTROL = (
    "JobId=7 JobName=fsdp-debug UserId=demo(2000) GroupId=demo(2000) MCS_label=N/A JobState=PENDING"
    " Reason=Resources Dependency=(null) Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0 RunTime=1-00:00:05"
    " TimeLimit=00:30:00 StartTime=Unknown EndTime=Unknown Partition=cpu ReqNodeList=(null) ExcNodeList=(null)"
    " NodeList= NumNodes=2 WorkDir=/fsx/awsome/runs/run"
)


@pytest.mark.parametrize(
    ("line", "state", "code", "signal"),
    [
        ("7|COMPLETED|0:0|c-[1-2]|2026-11-24T08:00:00|2026-11-24T08:00:38|38|cpu", "COMPLETED", 0, 0),
        ("7|CANCELLED by 1000|0:15|c-1|2026-11-24T08:00:00|2026-11-24T08:00:38|38|cpu", "CANCELLED", 0, 15),
        ("7|OUT_OF_MEMORY|0:125|c-1|2026-11-24T08:00:00|2026-11-24T08:00:38|38|cpu", "OUT_OF_MEMORY", 0, 125),
        ("7|SOMETHING_NEW|0:0|c-1|2026-11-24T08:00:00|2026-11-24T08:00:38|38|cpu", "UNKNOWN", 0, 0),
    ],
)
def test_sacct(line: str, state: str, code: int, signal: int) -> None:
    job = slurm_job.parse_sacct(f"6|FAILED|1:0|c-9|x|y|1|cpu\n{line}\n", 7)
    assert (job.state, job.exit_code, job.signal, job.source, job.elapsed_seconds) == (state, code, signal, "sacct", 38)


def test_an_empty_answer_is_unknown_and_no_success() -> None:
    for job in (slurm_job.parse_sacct("", 7), slurm_job.parse_scontrol("", 7)):
        assert job.state == "UNKNOWN" and not job.final and not job.active and job.exit_code is None


def test_scontrol() -> None:
    job = slurm_job.parse_scontrol(SCONTROL, 7)
    assert (job.state, job.reason, job.partition, job.node_list, job.start) == ("PENDING", "Resources", "cpu", "", "")
    assert job.elapsed_seconds == 86405
    assert slurm_job.parse_scontrol(SCONTROL, 8).state == "UNKNOWN"


def test_the_controller_knows_of_a_requeued_job_first_and_the_accounting_of_the_end() -> None:
    failed, running, done = Job(7, "NODE_FAIL", 0, 0), Job(7, "RUNNING"), Job(7, "COMPLETED", 0, 0, source="sacct")
    assert slurm_job.settle(failed, running) is running
    assert slurm_job.settle(done, Job(7, "COMPLETED", 0, 0, source="scontrol")) is done
    assert slurm_job.settle(Job(7, "RUNNING"), Job(7, "COMPLETED")).final
    assert slurm_job.settle(Job(7), Job(7)).state == "UNKNOWN"


def test_live_jobs_are_those_of_this_run_directory() -> None:
    squeue = (
        "5|RUNNING|None|/fsx/other\n6|PENDING|Resources|/fsx/run\n7|RUNNING|None|/fsx/run\n8|COMPLETED|None|/fsx/run\n"
    )
    assert slurm_job.live_jobs(squeue, "/fsx/run") == [6, 7]
    assert slurm_job.live_jobs("", "/fsx/run") == []
