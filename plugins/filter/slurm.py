# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Slurm's host lists, and what a node answered about itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.awsome.training.plugins.module_utils._slurm import conf, hostlist, probe


def slurm_hostlist(names: list[str]) -> str:
    """Write names as Slurm's host list: ['n1', 'n2', 'n4'] is n[1-2,4]."""
    return hostlist.compress(map(str, names))


def slurm_hostnames(expression: str) -> list[str]:
    """List the names of Slurm's host list: n[1-2,4] is ['n1', 'n2', 'n4']."""
    try:
        return hostlist.expand(str(expression))
    except hostlist.HostlistError as error:
        raise AnsibleFilterError(str(error)) from error


def slurm_answer(text: str) -> dict[str, Any]:
    """Read what role slurm's question to a node printed."""
    return asdict(probe.parse(str(text)))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "slurm_hostlist": slurm_hostlist,
            "slurm_hostnames": slurm_hostnames,
            "slurm_answer": slurm_answer,
            "slurm_controllers": conf.controller_addresses,
            "slurm_controller_lines": conf.controller_lines,
        }
