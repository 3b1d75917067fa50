# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters that render what role users writes for a whole cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils import _users as users


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "known_hosts": users.known_hosts,
            "unknown_hosts": users.unknown_hosts,
            "sudoers": users.sudoers,
            "slurm_users": users.slurm_users,
        }
