# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""An order of hosts that follows the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.awsome.training.plugins.module_utils._slurm import topology


def rank_order(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Order hosts so that those below one switch, or of one block, follow each other."""
    names = [str(host) for host in hosts]
    switches = {name: list(hostvars[name].get("slurm_node_switches") or ()) for name in names}
    blocks = {name: str(hostvars[name].get("slurm_node_block") or "") for name in names}
    return topology.rank_order(switches, {name: block for name, block in blocks.items() if block})


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rank_order": rank_order}
