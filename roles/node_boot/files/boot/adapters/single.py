"""A node by itself, of a service that has its own scheduler: it gets what its profile has, and knows no other node."""

from __future__ import annotations

import re
from typing import Any

from boot.adapters import Surroundings
from boot.plan import Node, Plan


def plan(around: Surroundings, provider: str, function: str, cluster: str, **more: Any) -> Plan:
    address = around.addresses[0] if around.addresses else "127.0.0.1"
    this = Node(around.hostname, address, function)
    return Plan(
        provider=provider,
        cluster=re.sub(r"[^a-z0-9_-]", "-", cluster.lower()).strip("-")[:40] or "cluster",
        this=this,
        nodes=(this,),
        profiles={one: f"{provider}_{one}" for one in ("controller", "login", "compute")},
        **more,
    )
