# Private to awsome.training: its API may change without notice.
"""Wait until a cluster, a node group or an add-on is ready, or gone: bounded, with pauses that grow, and with "
"what was seen on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.eks.action import Action
from ansible_collections.awsome.training.plugins.module_utils._aws.eks.api import Api, ApiError

_ASKS = {
    "cluster": ("DescribeCluster", "cluster", ("name",)),
    "nodegroup": ("DescribeNodegroup", "nodegroup", ("clusterName", "nodegroupName")),
    "addon": ("DescribeAddon", "addon", ("clusterName", "addonName")),
}
# DEGRADED is no end: an add-on is degraded until its pods run, and a node group until its nodes have joined.
FAILED = ("FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_FAILED")


class TimedOut(Exception):
    """It took too long, or it failed; the message is one sentence."""


class Waiter:
    """Waits at most `timeout` seconds in all; `tell` gets a line whenever something changes."""

    def __init__(
        self, api: Api, timeout: int, tell: Callable[[str], None], pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.api, self.tell, self.pause = api, tell, pause
        self.timeout, self.spent = timeout, 0.0

    def __call__(self, action: Action) -> None:
        operation, key, names = _ASKS[action.params["kind"]]
        which = {name: action.params[name] for name in names}
        until, seen, length = action.params["until"], "", 2.0
        while True:
            row = self.api.find(operation, key, **which)
            status = row["status"] if row else "gone"
            if status != seen:
                self.tell(f"{' '.join(which.values())}: {status} after {self.spent:.0f} s")
                seen = status
            if status == until:
                return
            if status in FAILED or (status == "gone" and until != "gone"):
                raise TimedOut(
                    f"{action.params['kind']} {which[names[-1]]} is {status}: {_why(row)}; expected {until}."
                )
            if self.spent >= self.timeout:
                raise TimedOut(
                    f"{action.params['kind']} {which[names[-1]]} is still {status} after {self.timeout} s: "
                    f"{_why(row)}; expected {until}; "
                    "look at its health in the console, or wait longer with wait_timeout."
                )
            self.pause(length)
            self.spent += length
            length = min(length * 1.5, 30.0)


def _why(row: dict[str, Any] | None) -> str:
    issues = ((row or {}).get("health") or {}).get("issues") or []
    return ", ".join(f"{issue.get('code')}: {issue.get('message')}" for issue in issues) or "EKS tells no reason"


def carry_out(api: Api, actions: list[Action], waiter: Waiter | None) -> None:
    """The plan, in order; without a waiter nothing is waited for."""
    for action in actions:
        if action.operation == "Wait":
            if waiter:
                waiter(action)
        else:
            _persist(api, action, waiter)


def _persist(api: Api, action: Action, waiter: Waiter | None) -> None:
    # EKS takes one update of a thing at a time, and IAM's new roles become known to it by and by.
    for length in (5, 10, 20, 40, 0):
        try:
            api.act(action)
            return
        except ApiError as error:
            text = str(error)
            passing = "ResourceInUseException" in text or (
                "InvalidParameterException" in text and "role" in text.lower()
            )
            if not (waiter and passing and length) or "already exists" in text:
                raise
            waiter.pause(length)
