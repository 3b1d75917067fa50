# Private to awsome.training: its API may change without notice.
"""What Slurm says of a job: the output of squeue, sacct and scontrol, as values."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

ACTIVE = frozenset(
    [
        "PENDING",
        "CONFIGURING",
        "RUNNING",
        "COMPLETING",
        "SUSPENDED",
        "REQUEUED",
        "REQUEUE_HOLD",
        "REQUEUE_FED",
        "RESIZING",
        "SIGNALING",
        "STAGE_OUT",
        "STOPPED",
        "SPECIAL_EXIT",
        "RESV_DEL_HOLD",
    ]
)
FINAL = frozenset(
    [
        "COMPLETED",
        "FAILED",
        "CANCELLED",
        "TIMEOUT",
        "NODE_FAIL",
        "PREEMPTED",
        "BOOT_FAIL",
        "DEADLINE",
        "OUT_OF_MEMORY",
        "REVOKED",
    ]
)
UNKNOWN = "UNKNOWN"
WAITING = ("PENDING", "CONFIGURING")
SACCT_FIELDS = ("JobID", "State", "ExitCode", "NodeList", "Start", "End", "ElapsedRaw", "Partition")
SACCT = ("sacct", "--allocations", "--noheader", "--parsable2", "--format=" + ",".join(SACCT_FIELDS), "--jobs")
SCONTROL = ("scontrol", "--oneliner", "show", "job")
SQUEUE = ("squeue", "--noheader", "--format=%i|%T|%r|%Z")


@dataclass(frozen=True)
class Job:
    """One job; `source` is who told. A job that nobody knows is UNKNOWN: neither running, nor done, nor a success."""

    job_id: int
    state: str = UNKNOWN
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    node_list: str = ""
    start: str = ""
    end: str = ""
    elapsed_seconds: int | None = None
    partition: str = ""
    source: str = "nobody"

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def parse_sacct(text: str, job_id: int) -> Job:
    """The job's own line; of a job that was requeued, the newest."""
    found = Job(job_id)
    for line in text.splitlines():
        words = line.strip().split("|")
        if len(words) != len(SACCT_FIELDS) or words[0] != str(job_id):
            continue
        row = dict(zip(SACCT_FIELDS, words))
        code, signal = _exit(row["ExitCode"])
        found = Job(
            job_id,
            _state(row["State"]),
            code,
            signal,
            "",
            _nodes(row["NodeList"]),
            _time(row["Start"]),
            _time(row["End"]),
            int(row["ElapsedRaw"]) if row["ElapsedRaw"].isdigit() else None,
            row["Partition"],
            "sacct",
        )
    return found


def parse_scontrol(text: str, job_id: int) -> Job:
    row = dict(word.split("=", 1) for word in text.split() if "=" in word)
    if row.get("JobId") != str(job_id):
        return Job(job_id)
    code, signal = _exit(row.get("ExitCode", ""))
    reason = row.get("Reason", "None")
    return Job(
        job_id,
        _state(row.get("JobState", UNKNOWN)),
        code,
        signal,
        "" if reason == "None" else reason,
        _nodes(row.get("NodeList", "")),
        _time(row.get("StartTime", "")),
        _time(row.get("EndTime", "")),
        _seconds(row.get("RunTime", "")),
        row.get("Partition", ""),
        "scontrol",
    )


def settle(accounted: Job, controlled: Job) -> Job:
    """The controller knows first that a job runs (again); the accounting is the record of how it ended."""
    if controlled.active or (controlled.final and not accounted.final):
        return controlled
    return accounted if accounted.state != UNKNOWN else controlled


def live_jobs(squeue: str, run_dir: str) -> list[int]:
    """The jobs whose working directory is this run's and which have not ended, however they were submitted."""
    jobs = []
    for line in squeue.splitlines():
        words = line.strip().split("|", 3)
        if len(words) == 4 and words[0].isdigit() and _state(words[1]) in ACTIVE and words[3] == run_dir:
            jobs.append(int(words[0]))
    return jobs


def _state(text: str) -> str:
    word = text.split(" ")[0].rstrip("+")  # "CANCELLED by 1000"
    return word if word in ACTIVE or word in FINAL else UNKNOWN


def _exit(text: str) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"(\d+):(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (None, None)


def _time(text: str) -> str:
    return text if re.match(r"\d{4}-", text) else ""


def _nodes(text: str) -> str:
    return "" if text in ("None assigned", "(null)") else text


def _seconds(text: str) -> int | None:
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
