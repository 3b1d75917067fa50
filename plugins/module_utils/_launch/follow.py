# Private to awsome.training: its API may change without notice.
"""Wait for a job's end: look, say what is new, judge. Knows neither Ansible nor a scheduler's commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._launch.events import duration

Answer = Mapping[str, Any]
SILENCE_SECONDS = 60  # how long nobody may know of the job, or the login node not answer, before it is given up
ACCOUNTING_LOOKS = 10  # how often to look again for the accounting's record of the end
WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD")


@dataclass
class Follower:
    """`ask(report)` looks once; `say` prints a line; `sleep` and `clock` are the time's, or a test's."""

    ask: Callable[[bool], Answer]
    say: Callable[[str], None]
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    poll_seconds: float
    pending_timeout_seconds: float

    def follow(self, seen: Answer) -> dict[str, Any]:
        """Until the job has ended, waits too long, or is known to nobody."""
        said = ""
        waiting_since = silent_since = self.clock()
        while not seen.get("ended"):
            now, job = self.clock(), seen.get("job") or {}
            state = job.get("state", "UNKNOWN")
            if state not in WAITING:
                waiting_since = now
            if state != "UNKNOWN":
                silent_since = now
            if now - waiting_since > self.pending_timeout_seconds:
                return _failed(seen, _waits(job, now - waiting_since))
            if now - silent_since > SILENCE_SECONDS:
                break
            line = _line(job, seen)
            if line and line != said:
                self.say(line)
                said = line
            self.sleep(self.poll_seconds)
            seen = self._look(seen)
        last = f"job {(seen.get('job') or {}).get('job_id', '?')}: {seen.get('progress')}"
        if seen.get("progress") and last != said:  # what came between the last look and the end
            self.say(last)
        return self._settle(seen)

    def _look(self, before: Answer, report: bool = False) -> Answer:
        """One failed look is no verdict: the login node may be busy for a moment."""
        seen = self.ask(report)
        if not seen.get("failed") and not seen.get("unreachable") and "job" in seen:
            return seen
        problem = str(seen.get("msg") or "the run directory has no job")
        return {**before, "ended": False, "job": {**before.get("job", {}), "state": "UNKNOWN"}, "problem": problem}

    def _settle(self, seen: Answer) -> dict[str, Any]:
        for _ in range(ACCOUNTING_LOOKS):
            if seen.get("job", {}).get("source") != "scontrol" or not seen.get("accounted"):
                break
            self.sleep(1)
            seen = self._look(seen)
        seen = self._look(seen, report=True)
        if seen.get("problem"):
            return _failed(seen, f"the job could not be judged: {seen['problem']}")
        verdict = seen["verdict"]
        if not verdict["ok"]:
            return _failed(seen, verdict["sentence"], verdict["failure"]["lines"])
        return {**seen, "reported": True}


def _line(job: Mapping[str, Any], seen: Answer) -> str:
    state = job.get("state", "UNKNOWN")
    name = f"job {job.get('job_id', '?')}"
    if state in WAITING:
        return f"{name}: {state}" + (f" ({job['reason']})" if job.get("reason") else "")
    if state == "RUNNING":
        return f"{name}: {seen.get('progress') or 'running, the processes are starting'}"
    return f"{name}: {state}"


def _waits(job: Mapping[str, Any], seconds: float) -> str:
    job_id, reason = job.get("job_id"), job.get("reason") or "not told"
    return (
        f"job {job_id} still waits after {duration(seconds)}, the scheduler's reason: {reason}. It stays in the queue:"
        f" cancel it (scancel {job_id}), or follow it again with the same run directory and a longer time-out."
    )


def _failed(seen: Answer, sentence: str, lines: Any = ()) -> dict[str, Any]:
    """No more than a person has to read; everything else is in the report."""
    told = "\n".join([sentence, *(f"  {line}" for line in lines)])
    job_id = (seen.get("job") or {}).get("job_id")
    return {"failed": True, "msg": told, "job_id": job_id, "reported": "summary" in seen}
