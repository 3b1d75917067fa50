# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters of the roles that deploy CloudFormation stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import accounting_database, network, stack, storage


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "accounting_database_faults": accounting_database.faults,
            "network_faults": network.faults,
            "network_subnets": network.subnets,
            "network_zones": network.zones,
            "stack_outputs": stack.outputs,
            "stack_parameter": stack.parameter,
            "stack_plan": stack.plan,
            "storage_faults": storage.faults,
            "storage_unretained": storage.unretained,
        }
