# Private to awsome.training: its API may change without notice.
"""HyperPod: whether a value is as wanted, and a value in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import words


def desired(described: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """RestrictedInstanceGroupsConfig is described by what it is and what it becomes."""
    shared = (described or {}).get("SharedEnvironmentConfig")
    if not shared:
        return described
    keys = [key[len("Current") :] for key in shared if key.startswith("Current")]
    return {"SharedEnvironmentConfig": {key: shared.get(f"Desired{key}", shared[f"Current{key}"]) for key in keys}}


def same(wanted: Any, seen: Any, exact: bool = False) -> bool:
    """A value is as wanted; the service may add keys of its own, unless `exact`, and may order lists as it likes."""
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        extra = exact and any(seen[key] not in (None, {}, []) for key in seen.keys() - wanted.keys())
        return not extra and all(same(value, seen.get(key), exact) for key, value in wanted.items())
    if isinstance(wanted, (list, tuple)) and isinstance(seen, (list, tuple)):
        left = list(seen)
        for one in wanted:
            found = next((index for index, other in enumerate(left) if same(one, other, exact)), None)
            if found is None:
                return False
            del left[found]
        return not left
    if wanted in ({}, []) and seen is None:
        return True
    return bool(wanted == seen)


def told(value: Any) -> str:
    """A value in a sentence."""
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{words.snake(str(key))}: {told(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(told, value)) + "]"
    return str(value)
