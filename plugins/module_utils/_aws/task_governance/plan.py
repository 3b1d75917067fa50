# Private to awsome.training: its API may change without notice.
"""(wanted scheduling, what SageMaker has) -> actions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import words
from ansible_collections.awsome.training.plugins.module_utils._aws.eks.action import Action, Refused
from ansible_collections.awsome.training.plugins.module_utils._aws.task_governance import shape

Row = dict[str, Any]


def plan(options: Mapping[str, Any], seen: Mapping[str, Any]) -> list[Action]:
    """`seen` has scheduler, a description or None, and quotas, descriptions by team."""
    actions = list(_scheduler(options, seen["scheduler"])) if options["scheduler"] is not None else []
    for team in options["teams"]:
        actions += _quota(shape.quota(options, team), seen["quotas"].get(team["name"]))
    if options["purge"]:
        gone = sorted(set(seen["quotas"]) - {team["name"] for team in options["teams"]})
        actions += [_delete_quota(seen["quotas"][team]) for team in gone]
    faults = list(_faults(options))
    for action in actions:
        faults += [f"{action.says}: {fault}" for fault in words.faults("sagemaker", action.operation, action.params)]
    if faults:
        raise Refused(faults)
    return actions


def removal(seen: Mapping[str, Any]) -> list[Action]:
    actions = [_delete_quota(quota) for quota in seen["quotas"].values()]
    if seen["scheduler"]:
        told = {"ClusterSchedulerConfigId": seen["scheduler"]["ClusterSchedulerConfigId"]}
        actions.append(Action("DeleteClusterSchedulerConfig", "delete the scheduler configuration", told, "sagemaker"))
    return actions


def _faults(options: Mapping[str, Any]) -> Iterator[str]:
    names = [team["name"] for team in options["teams"]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"teams: {name} stands there twice; a team has one quota."
    for team in options["teams"]:
        for index, row in enumerate(team["resources"]):
            if not any(row.get(key) is not None for key in ("count", "accelerators", "v_cpu", "memory_in_gi_b")):
                yield (
                    f"teams: {team['name']}.resources[{index}] says nothing of how much of {row.get('instance_type')}; "
                    "give count, or accelerators."
                )
    classes = [one.get("name") for one in (options["scheduler"] or {}).get("priority_classes") or []]
    for name in sorted({str(name) for name in classes if classes.count(name) > 1}):
        yield f"scheduler: priority class {name} stands there twice; names are unique."


def _scheduler(options: Mapping[str, Any], seen: Mapping[str, Any] | None) -> Iterator[Action]:
    asked = shape.scheduler(options)
    if seen is None:
        yield Action("CreateClusterSchedulerConfig", "make the scheduler configuration", asked, "sagemaker")
    elif shape.differs({key: asked[key] for key in shape.SCHEDULER if key in asked}, seen):
        which = {
            "ClusterSchedulerConfigId": seen["ClusterSchedulerConfigId"],
            "TargetVersion": seen["ClusterSchedulerConfigVersion"],
        }
        told = {**which, **{key: asked[key] for key in shape.SCHEDULER if key in asked}}
        yield Action("UpdateClusterSchedulerConfig", "change the scheduler configuration", told, "sagemaker")


def _quota(asked: Row, seen: Mapping[str, Any] | None) -> Iterator[Action]:
    team = asked["ComputeQuotaTarget"]["TeamName"]
    if seen is None:
        yield Action("CreateComputeQuota", f"give team {team} its quota", asked, "sagemaker")
    elif shape.differs({key: asked[key] for key in shape.QUOTA if key in asked}, seen):
        which = {"ComputeQuotaId": seen["ComputeQuotaId"], "TargetVersion": seen["ComputeQuotaVersion"]}
        told = {**which, **{key: asked[key] for key in shape.QUOTA if key in asked}}
        yield Action("UpdateComputeQuota", f"change the quota of team {team}", told, "sagemaker")


def _delete_quota(seen: Mapping[str, Any]) -> Action:
    says = f"take the quota of team {seen['ComputeQuotaTarget']['TeamName']}"
    return Action("DeleteComputeQuota", says, {"ComputeQuotaId": seen["ComputeQuotaId"]}, "sagemaker")
