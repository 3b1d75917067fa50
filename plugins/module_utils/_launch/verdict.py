# Private to awsome.training: its API may change without notice.
"""Did it train? One sentence, and where it did not, the lines that say why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.awsome.training.plugins.module_utils._launch.events import Run, duration
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_job import Job

LABEL = re.compile(r"^ *(\d+): ")
# torchrun's note of the process that it saw end first, with microseconds: the earliest of all nodes is the culprit.
CHILD = re.compile(r"^ *(\d+): E(\d{4} [\d:.]+) .*failed \(exitcode: (-?\d+)\) local_rank: (\d+)")
# srun's own lines: "srun: error: compute-2: task 1: Exited with exit code 1"
TASK = re.compile(r"^srun: error: ([^:]+): tasks? ([\d,-]+): (.+)$")
NODE = re.compile(r"^ *(\d+): node \d+ of \d+: ([^,]+),")


@dataclass(frozen=True)
class Failure:
    """Where a job broke first, as its log tells it; empty fields are what the log does not tell."""

    node: str = ""
    node_rank: int | None = None
    local_rank: int | None = None
    exit_code: int | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    ok: bool
    sentence: str
    failure: Failure = Failure()


def find_failure(log: Sequence[str], num_lines: int = 15) -> Failure:
    """Read a job's log for the process that failed first, and the last lines that its node wrote before that."""
    log = _last_attempt(log)
    names = {int(found[1]): found[2] for found in map(NODE.match, log) if found}
    children = sorted((found[2], index, found) for index, found in enumerate(map(CHILD.match, log)) if found)
    if children:
        child = children[0][2]
        rank = int(child[1])
        return Failure(
            names.get(rank, ""), rank, int(child[4]), int(child[3]), _lines_of(rank, log[: children[0][1]], num_lines)
        )
    tasks = [found for found in map(TASK.match, log) if found]
    if tasks:
        task = next((found for found in tasks if found[3].startswith("Exited")), tasks[0])
        code = re.search(r"exit code (\d+)", task[3])
        rank = int(re.split(r"[,-]", task[2])[0])
        lines = _lines_of(rank, log, num_lines) or tuple(log[-num_lines:])
        return Failure(task[1], rank, None, int(code[1]) if code else None, (*lines, task[0]))
    return Failure(lines=tuple(log[-num_lines:]))


def judge(job: Job, run: Run, failure: Failure, run_dir: str, time_limit_minutes: int = 0) -> Verdict:
    """COMPLETED, exit code 0:0 and a completed training: anything less is no success."""
    name = f"job {job.job_id}"
    again = f"submit it again with the same run directory ({run_dir}) to go on from its last checkpoint"
    if job.final and job.state == "COMPLETED" and (job.exit_code, job.signal) == (0, 0):
        if run.completed:
            return Verdict(True, f"{name} trained {run.last_step} steps to the end.")
        if run.end is not None:
            return Verdict(False, f"{name} stopped at step {run.last_step} of {run.max_steps}; {again}.", failure)
        return Verdict(False, f"{name} ended with exit code 0, but the training did not say that it ended.", failure)
    if job.state == "TIMEOUT":
        limit = f" of {duration(time_limit_minutes * 60)}" if time_limit_minutes else ""
        return Verdict(False, f"{name} ran into its time limit{limit} at step {run.last_step}; {again}.", failure)
    if job.state == "CANCELLED":
        return Verdict(False, f"{name} was cancelled at step {run.last_step}; {again}.", failure)
    if job.final:
        return Verdict(False, f"{name} ended as {job.state}{_codes(job)}{_where(failure)}.", failure)
    if job.active:
        return Verdict(False, f"{name} has not ended: it is {job.state}.")
    return Verdict(
        False,
        f"{name} is not known to sacct nor to scontrol: nobody can say how it ended, so it is not taken for a success.",
        failure,
    )


def _codes(job: Job) -> str:
    if job.exit_code is None:
        return ""
    return f" with exit code {job.exit_code}" + (f" and signal {job.signal}" if job.signal else "")


def _where(failure: Failure) -> str:
    if failure.node_rank is None:
        return ""
    node = failure.node or f"node {failure.node_rank}"
    process = f", process {failure.local_rank}" if failure.local_rank is not None else ""
    code = failure.exit_code
    how = "" if code is None else f" with exit code {code}" if code >= 0 else f" by signal {-code}"
    said = next((LABEL.sub("", line) for line in failure.lines if "error: " in LABEL.sub("", line)), "")
    said = "" if said.startswith("srun:") else said
    return f"; {node}{process} broke first{how}" + (f": {said.strip().rstrip('.')}" if said else "")


def _last_attempt(log: Sequence[str]) -> list[str]:
    """A job that was requeued appends to its log: only what follows the last start of node 0 counts."""
    starts = [index for index, line in enumerate(log) if re.match(r" *0: node 0 of ", line)]
    first = starts[-1] if starts else 0
    while first > 0 and NODE.match(log[first - 1]):
        first -= 1
    return list(log[first:])


def _lines_of(node_rank: int, log: Sequence[str], num_lines: int) -> tuple[str, ...]:
    mine = [line for line in log if (found := LABEL.match(line)) and int(found[1]) == node_rank]
    return tuple(mine[-num_lines:])
