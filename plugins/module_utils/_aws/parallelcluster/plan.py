# Private to awsome.training: its API may change without notice.
"""What is wanted and what is there -> what to do about a cluster: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]

DRY_RUN_OF_NO_CHANGE = "No changes found"


@dataclass(frozen=True)
class Update:
    """What a dry run said of an update."""

    changes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()  # it cannot be done at all
    fleet: tuple[str, ...] = ()  # it can be done once the compute fleet is stopped


@dataclass(frozen=True)
class Plan:
    actions: tuple[str, ...] = ()
    update: Update = field(default_factory=Update)
    warnings: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def settled(seen: Mapping[str, Any] | None) -> bool:
    """Whether CloudFormation has finished with the cluster's stack."""
    return seen is None or not str(seen.get("cloudFormationStackStatus", "")).endswith("IN_PROGRESS")


def existing(name: str, state: str, seen: Mapping[str, Any] | None) -> Plan | None:
    """The plan where it does not depend on an update; None where the cluster stands, so that changes are asked for."""
    status = seen["clusterStatus"] if seen else "DELETE_COMPLETE"
    if state == "absent":
        return Plan(() if status == "DELETE_COMPLETE" else ("delete",))
    if status == "DELETE_COMPLETE":
        return Plan(("create",))
    if status == "CREATE_FAILED":
        # What is left of it runs nothing that can be updated, and its name is taken.
        told = f"The creation of {name} had failed, so what is left of it is deleted before it is created again."
        return Plan(("delete", "create"), warnings=(told,))
    if status == "DELETE_FAILED":
        told = (
            f"{name} could not be deleted, so it cannot be updated; delete it with state absent and see what it says."
        )
        return Plan(faults=(told,))
    return None


def updated(name: str, seen: Mapping[str, Any], update: Update, stop_allowed: bool, checking: bool) -> Plan:
    """The plan for a cluster that stands. Its fleet is stopped only where an option allows that, and started again."""
    fleet = seen.get("computeFleetStatus", "")
    warnings: tuple[str, ...] = ()
    if fleet.startswith("STOP"):
        warnings = (
            f"The compute fleet of {name} is {fleet}, so jobs wait; pcluster update-compute-fleet --status "
            "START_REQUESTED starts it.",
        )
    if fleet == "PROTECTED":
        warnings = (
            f"The compute fleet of {name} is PROTECTED: nodes failed to start again and again; see their logs.",
        )
    if update.faults or not update.changes:
        return Plan(update=update, faults=update.faults, warnings=warnings)
    if not update.fleet:
        return Plan(("update",), update, warnings)
    if stop_allowed:
        return Plan(("stop_fleet", "update", "start_fleet"), update, warnings)
    told = [
        f"{one} Or set fleet_stop_allowed, and it is stopped for the update, which ends its jobs."
        for one in update.fleet
    ]
    if checking:
        return Plan(("stop_fleet", "update", "start_fleet"), update, (*warnings, *told))
    return Plan(update=update, faults=tuple(told), warnings=warnings)


def read_update(running: Mapping[str, Any], stopped: Mapping[str, Any] | None) -> Update:
    """What two dry runs say: one as things are, and, where that was refused, one as if the fleet were stopped."""
    content = running["content"]
    changes = tuple(change(one) for one in content.get("changeSet") or [])
    if running["code"] == 412:
        return Update(changes)
    if DRY_RUN_OF_NO_CHANGE in content.get("message", ""):
        return Update()
    refused = content.get("updateValidationErrors")
    if not refused or stopped is None:
        return Update(changes, tuple(told(running)))
    left = stopped["content"].get("updateValidationErrors") or []
    if stopped["code"] != 412 and not left:
        return Update(changes, tuple(told(stopped)))
    impossible = {one["parameter"] for one in left}
    fleet = tuple(refusal(one) for one in refused if one["parameter"] not in impossible)
    return Update(changes, tuple(refusal(one) for one in left), fleet)


def change(one: Mapping[str, Any]) -> str:
    return f"{one['parameter']}: {one.get('currentValue', '-')} -> {one.get('requestedValue', '-')}"


def refusal(one: Mapping[str, Any]) -> str:
    """ParallelCluster's words, some of which end in a full stop already."""
    return f"{change(one)} is refused: {str(one.get('message', 'no reason is told')).rstrip('.')}."


def told(answer: Mapping[str, Any]) -> list[str]:
    """What the package said when it refused, a sentence each: its validators' words where they judged."""
    content = answer.get("content") or {}
    errors = [one for one in content.get("configurationValidationErrors") or [] if one.get("level") == "ERROR"]
    sentences = [f"{one['message'].rstrip('.')}. ({one.get('type', 'validator')})" for one in errors]
    sentences += [refusal(one) for one in content.get("updateValidationErrors") or []]
    return sentences or [str(content.get("message") or f"aws-parallelcluster answered {answer.get('code')}.")]


def failed_events(events: Iterable[Mapping[str, Any]], most: int = 5) -> list[str]:
    """The events that began a failure, the first ones first; those that only follow from others are left out."""
    failed = [
        event
        for event in sorted(events, key=lambda event: event.get("timestamp", ""))
        if str(event.get("resourceStatus", "")).endswith("_FAILED")
        and "cancelled" not in str(event.get("resourceStatusReason", "")).lower()
    ]
    return [
        f"{one.get('logicalResourceId')} ({one.get('resourceType')}) {one.get('resourceStatus')}: "
        f"{str(one.get('resourceStatusReason') or 'no reason is told').rstrip('.')}."
        for one in failed[:most]
    ]


def failure(
    name: str, region: str, seen: Mapping[str, Any] | None, events: Iterable[Mapping[str, Any]], what: str
) -> str:
    """One failure, whole: what failed, why, and where to read on."""
    status = f"{seen.get('clusterStatus')} ({seen.get('cloudFormationStackStatus')})" if seen else "gone"
    reasons = [
        f"{one.get('failureReason', '').rstrip('.')}. ({one.get('failureCode')})"
        for one in (seen or {}).get("failures") or []
    ]
    where = (
        f"The nodes' logs are in CloudWatch, in the log group that begins with /aws/parallelcluster/{name}-; pcluster "
        f"list-cluster-log-streams --cluster-name {name} --region {region} lists them."
    )
    return " ".join(
        [f"The {what} of {name} in {region} failed; it is {status}.", *reasons, *failed_events(events), where]
    )
