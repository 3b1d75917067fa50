"""From a provider's metadata to a plan. An adapter translates; it configures nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from boot.faults import BootError
from boot.plan import Plan

NAMES = ("hyperpod", "parallelcluster", "eks", "batch")


@dataclass(frozen=True)
class Surroundings:
    """Where an adapter looks: the hook's directory and environment, the machine's addresses and name, its files."""

    bundle: Path
    environment: Mapping[str, str]
    addresses: tuple[str, ...]
    hostname: str
    root: Path = Path("/")
    arguments: tuple[str, ...] = ()

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")


@dataclass(frozen=True)
class Nothing:
    """There is nothing to do here, and why; the hook ends well."""

    why: str


def look(provider: str, around: Surroundings) -> Plan | Nothing:
    if provider not in NAMES:
        raise BootError(f"There is no provider {provider!r}; this boot knows {', '.join(NAMES)}.", code=64)
    found: Plan | Nothing = importlib.import_module(f"boot.adapters.{provider}").look(around)
    return found
