"""Waiting for a job: progress is told once, waiting too long is told with its reason, silence is no success."""

from __future__ import annotations

from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._launch.follow import Follower

OK = {"ok": True, "sentence": "job 7 trained 2 steps to the end.", "failure": {"lines": []}}
NO = {"ok": False, "sentence": "job 7 ended as FAILED.", "failure": {"lines": ["1: error: boom"]}}


def seen(state: str, progress: str = "", verdict: Any = OK, **more: Any) -> dict[str, Any]:
    final = state in ("COMPLETED", "FAILED")
    job = {"job_id": 7, "state": state, "reason": more.pop("reason", ""), "source": more.pop("source", "sacct")}
    return {"job": job, "ended": final, "progress": progress, "verdict": verdict, "accounted": True, **more}


class Clock:
    def __init__(self, answers: list[dict[str, Any]], pending: float = 100) -> None:
        self.answers, self.now, self.said, self.reports = answers, 0.0, [], 0
        self.follower = Follower(self.ask, self.said.append, self.sleep, lambda: self.now, 3, pending)

    def ask(self, report: bool) -> dict[str, Any]:
        self.reports += report
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_progress_is_told_once_a_line_and_the_report_is_asked_for_at_the_end() -> None:
    clock = Clock([seen("RUNNING", "step 1/2"), seen("RUNNING", "step 1/2"), seen("COMPLETED")])
    result = clock.follower.follow(seen("PENDING", reason="Resources"))
    assert not result.get("failed")
    assert clock.said == ["job 7: PENDING (Resources)", "job 7: step 1/2"]
    assert clock.reports == 1


def test_failure_is_one_sentence_and_the_lines_that_say_why() -> None:
    result = Clock([seen("FAILED", verdict=NO)]).follower.follow(seen("RUNNING"))
    assert result["failed"] and result["msg"] == "job 7 ended as FAILED.\n  1: error: boom"


def test_waiting_too_long_is_told_with_the_schedulers_reason() -> None:
    result = Clock([seen("PENDING", reason="PartitionDown")], pending=10).follower.follow(seen("PENDING"))
    assert result["failed"] and "the scheduler's reason: PartitionDown. It stays in the queue" in result["msg"]
    assert "scancel 7" in result["msg"]


def test_time_that_a_job_runs_is_no_waiting() -> None:
    answers = [*[seen("RUNNING")] * 30, seen("PENDING"), seen("RUNNING"), seen("COMPLETED")]
    assert not Clock(answers, pending=10).follower.follow(seen("PENDING")).get("failed")


def test_a_login_node_that_is_silent_for_a_moment_is_no_verdict() -> None:
    broken = {"failed": True, "msg": "unreachable"}
    assert not Clock([broken, broken, seen("COMPLETED")]).follower.follow(seen("RUNNING")).get("failed")


def test_silence_is_no_success() -> None:
    result = Clock([{"unreachable": True, "msg": "no route"}]).follower.follow(seen("RUNNING"))
    assert result["failed"] and result["msg"] == "the job could not be judged: no route"
    unknown = seen("UNKNOWN", verdict={**NO, "sentence": "job 7 is not known"})
    assert Clock([unknown]).follower.follow(unknown)["msg"].startswith("job 7 is not known")


def test_the_accountings_record_of_the_end_is_waited_for() -> None:
    clock = Clock([seen("COMPLETED", source="scontrol"), seen("COMPLETED", source="scontrol"), seen("COMPLETED")])
    assert clock.follower.follow(seen("RUNNING"))["job"]["source"] == "sacct"
