"""Amazon EKS: the kubelet is the image's own, and is started by nodeadm afterwards."""

from __future__ import annotations

from boot.adapters import Surroundings
from boot.adapters.single import plan as single
from boot.plan import Plan


def look(around: Surroundings) -> Plan:
    return single(around, "eks", "compute", around.environment.get("AWSOME_CLUSTER") or "eks")
