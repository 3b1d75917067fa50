# Private to awsome.training: its API may change without notice.
"""The one result of many checks: appended, never overwritten, and as bad as its worst part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._health.check import FAIL, NOT_CHECKED, PASS, STATUSES

FACT_PREFIX = "awsome_check_"


def collect(hosts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Gather the answers that node_check left among the facts of each host, in the order of hosts and roles."""
    return [
        {"host": host, **answer}
        for host, facts in hosts.items()
        for fact, answers in facts.items()
        if fact.startswith(FACT_PREFIX)
        for answer in answers
    ]


def summarise(answers: Iterable[Mapping[str, Any]], silent_hosts: Iterable[str] = ()) -> dict[str, Any]:
    """Fold answers into one result; a host that gave no answer at all counts as not checked."""
    checks = [dict(answer) for answer in answers]
    checks += [
        {
            "host": host,
            "check": "node.reached",
            "status": NOT_CHECKED,
            "reason": "no check ran on this host",
            "seconds": 0.0,
        }
        for host in silent_hosts
    ]
    counts = {status: sum(check["status"] == status for check in checks) for status in STATUSES}
    status = FAIL if counts[FAIL] else NOT_CHECKED if counts[NOT_CHECKED] or not checks else PASS
    return {"status": status, "counts": counts, "checks": checks}


def sentences(result: Mapping[str, Any]) -> list[str]:
    """Tell every answer that is not a pass, the failures first."""
    told = [check for status in (FAIL, NOT_CHECKED) for check in result["checks"] if check["status"] == status]
    return [f"{check['host']}: {check['check']}: {check['status']}: {check['reason']}" for check in told]
