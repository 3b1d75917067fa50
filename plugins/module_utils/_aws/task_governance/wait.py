# Private to awsome.training: its API may change without notice.
"""Task governance: wait until all that was asked for has taken, or failed; bounded, with pauses that grow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.task_governance import api


class WaitError(TimeoutError):
    """It took too long, or it failed; the message is one sentence."""


def settled(
    client: Any,
    cluster_arn: str,
    timeout: float,
    tell: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    spent, length = 0.0, 2.0
    while True:
        seen = api.seen(client, cluster_arn)
        rows = {f"the quota of team {team}": row for team, row in seen["quotas"].items()}
        if seen["scheduler"]:
            rows["the scheduler configuration"] = seen["scheduler"]
        for what, row in rows.items():
            if row["Status"].endswith("Failed"):
                raise WaitError(f"hyperpod_task_governance: {what} is {row['Status']}: {row.get('FailureReason')}.")
        busy = {what: row["Status"] for what, row in rows.items() if row["Status"].endswith("ing")}
        if not busy:
            return seen
        told = ", ".join(f"{what} is {status}" for what, status in busy.items())
        tell(f"{told} after {spent:.0f} s")
        if spent >= timeout:
            raise WaitError(f"hyperpod_task_governance: {told} after {timeout:.0f} s; wait longer with wait_timeout.")
        pause(length)
        spent += length
        length = min(length * 1.5, 30.0)
