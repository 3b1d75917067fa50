# Private to awsome.training: its API may change without notice.
"""Options of hyperpod_task_governance <-> SageMaker's requests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import words

Row = dict[str, Any]
# What of a description is what was asked; the rest tells what became of it.
SCHEDULER = ("SchedulerConfig", "Description")
QUOTA = ("ComputeQuotaConfig", "ComputeQuotaTarget", "ActivationState", "Description")


def scheduler(options: Mapping[str, Any]) -> Row:
    """What CreateClusterSchedulerConfig is asked."""
    told = {**options["scheduler"], "name": None, "description": None}
    asked = {
        "name": options["scheduler"].get("name") or "scheduler",
        "cluster_arn": options["cluster_arn"],
        "description": options["scheduler"].get("description"),
        "scheduler_config": told,
        "tags": _tags(options),
    }
    return words.request("sagemaker", "CreateClusterSchedulerConfig", asked)


def quota(options: Mapping[str, Any], team: Mapping[str, Any]) -> Row:
    """What CreateComputeQuota is asked for one entry of teams."""
    sharing = {"strategy": team.get("sharing") or "LendAndBorrow", "borrow_limit": team.get("borrow_limit")}
    asked = {
        "name": f"{team['name']}-quota",
        "cluster_arn": options["cluster_arn"],
        "description": team.get("description"),
        "compute_quota_config": {
            "compute_quota_resources": team["resources"],
            "resource_sharing_config": sharing,
            "preempt_team_tasks": team.get("preempts") or "LowerPriority",
        },
        "compute_quota_target": {"team_name": team["name"], "fair_share_weight": team.get("fair_share_weight")},
        "activation_state": "Enabled" if team.get("enabled") is not False else "Disabled",
        "tags": _tags(options),
    }
    return words.request("sagemaker", "CreateComputeQuota", asked)


def _tags(options: Mapping[str, Any]) -> list[Row] | None:
    return [{"key": key, "value": str(value)} for key, value in options["tags"].items()] or None


def differs(asked: Any, seen: Any) -> bool:
    """Whether something asked for is not so; what the service adds by itself does not count. Order counts in no "
    "list."""
    if isinstance(asked, Mapping):
        return not isinstance(seen, Mapping) or any(differs(value, seen.get(key)) for key, value in asked.items())
    if isinstance(asked, list):
        rest = list(seen or [])
        for one in asked:
            same = next((other for other in rest if not differs(one, other)), None)
            if same is None:
                return True
            rest.remove(same)
        return bool(rest)
    return bool(asked != seen)
