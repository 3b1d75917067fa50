"""AWS Batch: the container agent is the image's own."""

from __future__ import annotations

from boot.adapters import Surroundings
from boot.adapters.single import plan as single
from boot.plan import Plan


def look(around: Surroundings) -> Plan:
    return single(around, "batch", "compute", around.environment.get("AWSOME_CLUSTER") or "batch")
