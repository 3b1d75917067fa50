# Private to awsome.training: its API may change without notice.
"""Bring together what a scheduler and a run directory tell of a job, and write the report of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._launch import report, run_dir, verdict
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_client import SlurmClient


def observe(
    client: SlurmClient, job_id: int, time_limit_minutes: int = 0, write_report: bool = False
) -> dict[str, Any]:
    """The job, the training's progress and the verdict, as the module `workload` returns them."""
    directory = client.run_dir
    job, accounted = client.observe(job_id)
    run = run_dir.read_run(directory)
    log = [] if job.active else run_dir.read_log(directory, job_id)
    judged = verdict.judge(job, run, verdict.find_failure(log), directory, time_limit_minutes)
    answer = {
        "job": job.as_dict(),
        "accounted": accounted,
        "progress": run.progress(),
        "ended": job.final,
        "verdict": asdict(judged),
    }
    if write_report:
        result = report.result(run, job, judged, client.hosts(job.node_list), directory)
        run_dir.write(f"{directory}/result.json", report.as_json(result))
        run_dir.write(f"{directory}/report.html", report.page(run, result, log))
        answer["summary"] = {**result["summary"], "text": report.one_line(result["summary"])}
    return answer


def completed(client: SlurmClient) -> dict[str, Any] | None:
    """What there is to tell of a run directory that needs no further job; None when it needs one."""
    latest = client.latest()
    if latest is None or not run_dir.read_run(client.run_dir).completed:
        return None
    seen = observe(client, latest)
    return seen if seen["verdict"]["ok"] else None
