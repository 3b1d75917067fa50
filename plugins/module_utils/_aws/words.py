# Private to awsome.training: its API may change without notice.
"""Ansible's words for an API's keys, and back, by the service's own model: instance_groups is InstanceGroups."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import shape

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def snake(key: str) -> str:
    """An API's key in Ansible's words; FSx is one word."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", key.replace("FSx", "Fsx"))
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text).lower()


def request(service: str, operation: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What boto3 is given for options in Ansible's words or the API's own.

    Null is as good as absent. A key that the model does not have stays as it is, for faults() to tell. Text from a
    template becomes the number or the truth value that the model wants.
    """
    told: dict[str, Any] = _asked(shape.asked(service, operation), options)
    return told


def faults(service: str, operation: str, params: Mapping[str, Any]) -> list[str]:
    """shape.faults, in Ansible's words."""
    return shape.faults(service, operation, params, snake)


def answer(service: str, operation: str, response: Mapping[str, Any]) -> dict[str, Any]:
    """An answer in Ansible's words, with times as text; what the model does not know, such as metadata, is left out."""
    told: dict[str, Any] = _answered(shape.answered(service, operation), response)
    return told


def _asked(model: Any, value: Any) -> Any:
    kind = model.type_name
    if kind == "structure" and isinstance(value, Mapping):
        names = {snake(name): name for name in model.members}
        told = {}
        for key, one in value.items():
            name = names.get(key, key)
            if one is not None:
                told[name] = _asked(model.members[name], one) if name in model.members else one
        return told
    if kind == "map" and isinstance(value, Mapping):
        return {key: _asked(model.value, one) for key, one in value.items()}
    if kind == "list" and isinstance(value, (list, tuple)):
        return [_asked(model.member, one) for one in value]
    if kind in ("integer", "long") and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and isinstance(value, str):
        return _TRUTH.get(value.lower(), value)
    if kind == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    # Ansible marks text that came from elsewhere by a class of its own; boto3 shall see plain text.
    return str(value) if isinstance(value, str) else value


def _answered(model: Any, value: Any) -> Any:
    if model.type_name == "structure" and isinstance(value, Mapping):
        return {snake(key): _answered(model.members[key], one) for key, one in value.items() if key in model.members}
    if model.type_name == "map" and isinstance(value, Mapping):
        return {key: _answered(model.value, one) for key, one in value.items()}
    if model.type_name == "list" and isinstance(value, (list, tuple)):
        return [_answered(model.member, one) for one in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value
