# Private to awsome.training: its API may change without notice.
"""One step of a plan: a call of a service, or a wait until something is ready. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import shape


class Refused(ValueError):
    """What is wanted cannot be had; `faults` are sentences for the user, all of them."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__(" ".join(self.faults))


@dataclass(frozen=True)
class Action:
    """`operation` is the API's name of a call, or Wait; `says` is what it is for, in a few words."""

    operation: str
    says: str
    params: dict[str, Any] = field(default_factory=dict)
    service: str = "eks"

    def told(self) -> dict[str, Any]:
        return asdict(self)


def wait(kind: str, says: str, until: str = "ACTIVE", **params: Any) -> Action:
    """Wait until a `kind` (cluster, nodegroup, addon) is `until`, or gone."""
    return Action("Wait", says, {"kind": kind, "until": until, **params})


def faults(actions: Iterable[Action]) -> list[str]:
    """What botocore's models have against the requests, before the first one is sent."""
    return [
        f"{action.says}: {fault}"
        for action in actions
        if action.operation != "Wait"
        for fault in shape.faults(action.service, action.operation, action.params)
    ]


def needed(actions: Iterable[Action]) -> bool:
    """Whether a plan changes something; waiting changes nothing."""
    return any(action.operation != "Wait" for action in actions)


def filled(params: dict[str, Any]) -> dict[str, Any]:
    """A request without its empty lists and dictionaries, which the services refuse where nothing is meant."""
    return {key: value for key, value in params.items() if value != {} and value != []}
