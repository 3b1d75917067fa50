# Private to awsome.training: its API may change without notice.
"""What a renderer may know of a node's hardware: the one place that reads the catalogue's instance row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Hardware:
    """An instance row, as far as launching needs it. The empty row is a node that nobody described: CPUs only."""

    name: str = "unknown"
    kind: str = "cpu"
    accelerators: int = 0
    cores: int = 0
    efa_interfaces: int = 0
    row: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Mapping[str, Any] | None) -> Hardware:
        if not row:
            return cls()
        accelerator = row.get("accelerator") or {}
        return cls(
            name=str(row.get("instance_type", "unknown")),
            kind=str(accelerator.get("kind", "cpu")),
            accelerators=int(accelerator.get("count", 0)),
            cores=int(row.get("sockets", 0)) * int(row.get("cores", 0)),
            efa_interfaces=int(row.get("efa_interfaces") or 0),
            row=dict(row),
        )
