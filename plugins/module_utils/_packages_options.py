# Private to awsome.training: its API may change without notice.
"""The options of packages, which its action and its module both take."""

from __future__ import annotations

from typing import Any

OPTIONS: dict[str, Any] = {
    "name": {"type": "list", "elements": "str", "required": True},
    "repository": {"type": "dict"},
    "files": {"type": "dict", "default": {}},
    "hold": {"type": "bool", "default": False},
    "recommends": {"type": "bool", "default": False},
    "lock_timeout_seconds": {"type": "int", "default": 600},
    "cache_valid_seconds": {"type": "int", "default": 86400},
    "attempts": {"type": "int", "default": 3},
    "timeout_seconds": {"type": "int", "default": 60},
    "manager": {"type": "str"},
}
