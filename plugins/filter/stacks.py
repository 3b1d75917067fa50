# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters of the roles that deploy CloudFormation stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import network, stack


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "network_faults": network.faults,
            "network_subnets": network.subnets,
            "network_zones": network.zones,
            "stack_outputs": stack.outputs,
            "stack_parameter": stack.parameter,
            "stack_plan": stack.plan,
        }
