# Private to awsome.training: its API may change without notice.
"""HyperPod: wait until nothing goes on in a cluster, tell how far it is, and give up in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import shape

# What a node says while something goes on with it.
BUSY = ("Pending", "ShuttingDown", "SystemUpdating", "DeepHealthCheckInProgress")


class WaitError(TimeoutError):
    """It took too long; the sentence says how far it came."""


@dataclass(frozen=True)
class Clock:
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def settled(
    describe: Callable[[], Any],
    tell: Callable[[str], None],
    timeout_seconds: float,
    poll_seconds: float,
    nodes: Callable[[], Sequence[Mapping[str, Any]]] | None = None,
    clock: Clock | None = None,
) -> Any:
    """DescribeCluster's answer when the cluster is at rest, None when it is gone.

    `nodes` lists the nodes where these shall be at rest, too: what is done to a single node shows nowhere else. Every
    change is told once. Polls come at growing distances, of at most a minute, and close together again after a change.
    """
    clock = clock or Clock()
    end = clock.now() + timeout_seconds
    pause, last = poll_seconds, ""
    while True:
        seen = describe()
        line = shape.progress(seen) if seen else "it is gone"
        busy = [one for one in (nodes() if nodes and seen else []) if one["InstanceStatus"]["Status"] in BUSY]
        if busy:
            line += f"; {len(busy)} nodes are busy: {', '.join(one['InstanceId'] for one in busy[:5])}"
        if line != last:
            tell(line)
            pause, last = poll_seconds, line
        if not busy and shape.settled(seen):
            return seen
        left = end - clock.now()
        if left <= 0:
            raise WaitError(
                f"it is not done after {timeout_seconds:g} s: {line}. It goes on by itself: run again to wait for it, "
                f"or give a longer wait_timeout."
            )
        clock.sleep(min(pause, left))
        pause = min(pause * 1.5, max(60, poll_seconds))
