# Private to awsome.training: its API may change without notice.
"""HyperPod: whether nodes of a request can boot from a bundle. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

NAME = "provisioning_parameters.json"
# What a bundle of role node_boot has beside the hooks.
BUNDLE = ("bundle.tar.gz", "bundle.tar.gz.sha256")


def has_groups(request: Mapping[str, Any] | None) -> bool:
    groups = (request or {}).get("InstanceGroups")
    return isinstance(groups, list) and all(isinstance(one, Mapping) and "InstanceGroupName" in one for one in groups)


def request_faults(request: Mapping[str, Any], slurm: bool) -> Iterator[str]:
    """What the service does not mind, and this collection cannot boot."""
    orchestrator = request.get("Orchestrator") if isinstance(request.get("Orchestrator"), Mapping) else {}
    if slurm and "Eks" in (orchestrator or {}):
        yield f"orchestrator: is eks, but there is a {NAME}, which is for Slurm; leave one of them out."
    if not has_groups(request):
        return
    names = [group["InstanceGroupName"] for group in request.get("InstanceGroups", [])]
    folded: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        folded.setdefault(str(name).lower(), []).append(str(name))
    for alike in folded.values():
        if len(alike) > 1:
            yield f"instance_groups: {' and '.join(alike)} differ by case only, which people mix up; rename one."
    if slurm:
        for index, group in enumerate(request.get("InstanceGroups", [])):
            life = group.get("LifeCycleConfig")
            if not isinstance(life, Mapping) or not ("OnCreate" in life or "OnInitComplete" in life):
                yield (
                    f"instance_groups[{index}].life_cycle_config: group {group['InstanceGroupName']} has no on_create "
                    f"and no on_init_complete; its nodes would never join the cluster."
                )


def bundle_faults(request: Mapping[str, Any] | None, files: Collection[str], slurm: bool) -> Iterator[str]:
    wanted = {} if request is None or not has_groups(request) else dict(_scripts(request))
    for script, groups in wanted.items():
        if script not in files:
            yield (
                f"the bundle has no {script}, which groups {', '.join(groups)} run; it has {_few(files)}. Make it "
                f"anew, or correct the name."
            )
    if slurm:
        for name in (NAME, *(BUNDLE if "boot" in {one.split("/")[0] for one in files} else ())):
            if name not in files:
                yield f"the bundle has no {name}, which its nodes read; make it anew by role node_boot."
    one = "bundle.tar.gz"
    if one in files and f"{one}.sha256" not in files:
        yield f"the bundle has {one} and no {one}.sha256, so no node takes it; make it anew by role node_boot."


def _scripts(request: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for group in request.get("InstanceGroups", []):
        life = group.get("LifeCycleConfig")
        for key in ("OnCreate", "OnInitComplete"):
            if isinstance(life, Mapping) and isinstance(life.get(key), str):
                found.setdefault(life[key], []).append(group["InstanceGroupName"])
    return found.items()


def _few(files: Collection[str]) -> str:
    top = sorted({one.split("/")[0] for one in files})
    return ", ".join(top[:8]) + (" and more" if len(top) > 8 else "") if top else "no file at all"
