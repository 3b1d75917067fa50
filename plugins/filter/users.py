# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters that render what role users writes for a whole cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.awsome.training.plugins.module_utils import _shared_users as shared
from ansible_collections.awsome.training.plugins.module_utils import _users as users


def shared_users(source: Any, home_root: str = "", where: str = "shared_users") -> dict[str, Any]:
    try:
        return shared.read(source, home_root, where)
    except shared.SharedUsersError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "known_hosts": users.known_hosts,
            "unknown_hosts": users.unknown_hosts,
            "shared_users": shared_users,
            "host_keys": users.host_keys,
            "sudoers": users.sudoers,
            "slurm_users": users.slurm_users,
        }
