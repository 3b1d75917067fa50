# Private to awsome.training: its API may change without notice.
"""From an inventory's hosts to the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._slurm import hardware, probe
from ansible_collections.awsome.training.plugins.module_utils._slurm.conf import Node
from ansible_collections.awsome.training.plugins.module_utils._slurm.extend import nodes_of, words_of

BY_CGROUP = dict(
    zip(probe.JOB_KEYS, ("proctrack/cgroup", "task/cgroup,task/affinity", "jobacct_gather/cgroup", "CR_Core_Memory"))
)
BY_PROCESS = dict(zip(probe.JOB_KEYS, ("proctrack/linuxproc", "task/none", "jobacct_gather/linux", "CR_Core")))


@dataclass(frozen=True)
class Host:
    """What is known of one host of the group compute."""

    name: str
    instance: Mapping[str, Any] | None = None
    answer: probe.Answer | None = None
    hostname: str = ""
    address: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    switches: Sequence[str] = ()
    block: str = ""


def nodes(hosts: Sequence[Host], present: str = "", memory_fraction: float = 1.0) -> tuple[list[Node], list[str]]:
    """Make the nodes, and name the hosts whose hardware nobody knows.

    The catalogue's row comes first, then the node's own answer, then the line in the present configuration: a play
    that is limited to some hosts never drops the others.
    """
    lines = nodes_of(present)
    known, missing = [], []
    for host in hosts:
        gres: tuple[hardware.Gres, ...] = ()
        if host.instance:
            found = hardware.from_instance(host.instance)
            settings, gres = found.settings(memory_fraction), found.gres
        elif host.answer and host.answer.hardware:
            found = hardware.from_slurmd(host.answer.hardware)
            settings, gres = found.settings(memory_fraction), found.gres
        elif host.name in lines:
            settings = dict(lines[host.name])
            gres = hardware.from_settings(lines[host.name]).gres
        else:
            missing.append(host.name)
            continue
        settings = {**settings, **host.settings}
        known.append(
            Node(
                name=host.name,
                settings=tuple((key, value) for key, value in settings.items() if value is not None),
                gres=gres,
                hostname=host.hostname if host.hostname not in ("", host.name) else "",
                address=host.address,
                switches=tuple(host.switches),
                block=host.block,
            )
        )
    return known, missing


def job_settings(hosts: Sequence[Host], controller: probe.Answer | None = None) -> dict[str, str]:
    """How jobs are tracked and what is counted, as all hosts allow it.

    Inside a container, control groups belong to the container's host, and the memory is shared with its neighbours.
    Where hosts take no part in the play, the present configuration stands; without one, they are taken to be like the
    controller.
    """
    answers = [host.answer for host in hosts if host.answer and host.answer.version]
    if any(not answer.cgroup for answer in answers):
        return BY_PROCESS
    if len(answers) == len(hosts) or controller is None:
        return BY_CGROUP
    found = {words[0][0]: words[0][1] for words in map(words_of, controller.present.splitlines()) if words}
    present = {key: found[key] for key in probe.JOB_KEYS if key in found}
    return present or (BY_CGROUP if controller.cgroup else BY_PROCESS)


def cgroup_settings(jobs: Mapping[str, Any], version: str) -> dict[str, Any]:
    """cgroup.conf to go with the way in which jobs are tracked."""
    if "cgroup" in str(jobs.get("ProctrackType")):
        return {"ConstrainCores": True, "ConstrainRAMSpace": True, "ConstrainDevices": True}
    # Before 23.11 there was no such word, and no daemon asked for control groups on its own.
    if _at_least(version, (23, 11)):
        return {"CgroupPlugin": "disabled"}
    return {"ConstrainCores": False, "ConstrainRAMSpace": False, "ConstrainDevices": False}


def _at_least(version: str, wanted: tuple[int, ...]) -> bool:
    numbers = tuple(int(part) for part in version.split(".")[:2]) if version else ()
    return numbers >= wanted
