# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
# Private to awsome.training: its API may change without notice.
"""What goes into a CloudFormation stack, what comes out, and what would change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def parameter(value: Any) -> Any:
    """A value as CloudFormation takes it, which is text; {use_previous_value: true} stays as amazon.aws takes it."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def outputs(cloudformation: dict[str, Any], name: str, planned: dict[str, Any]) -> dict[str, Any]:
    """The outputs that amazon.aws.cloudformation_info saw, VpcId as vpc_id; `planned` where there is no stack."""
    seen = cloudformation.get(name)
    if seen is None:
        return planned
    return {
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower(): value
        for key, value in (seen.get("stack_outputs") or {}).items()
    }


def plan(result: dict[str, Any], name: str, parameters: dict[str, Any]) -> list[str]:
    """What amazon.aws.cloudformation said in check mode, a line for each change."""
    if not result.get("changed"):
        return [f"{name}: nothing changes."]
    lines = []
    for one in result.get("meta") or []:
        change = one.get("ResourceChange", one)
        told = (
            f"{name}: {change.get('Action', 'Change')} {change.get('ResourceType')} {change.get('LogicalResourceId')}"
        )
        lines.append(told + (", replaced" if change.get("Replacement") == "True" else ""))
    if not lines:
        given = ", ".join(f"{key}={parameter(value)}" for key, value in sorted(parameters.items()) if value != "")
        lines = [f"{name}: {result.get('msg')}" + (f" ({given})." if given else ".")]
    return lines
