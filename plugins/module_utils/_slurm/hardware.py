# Private to awsome.training: its API may change without notice.
"""What a node is made of, as slurm.conf wants to know it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Slurm's name of a kind of accelerator, and the device file of the one with a given index.
ACCELERATORS = {"nvidia": ("gpu", "/dev/nvidia"), "neuron": ("neuron", "/dev/neuron")}


class HardwareError(ValueError):
    """Hardware that cannot be told; the message says of which node and why."""


@dataclass(frozen=True)
class Gres:
    """Some accelerators of one kind."""

    name: str
    model: str
    count: int
    device: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.name, self.model, str(self.count)) if part)


@dataclass(frozen=True)
class Hardware:
    """A node's processors, memory and accelerators; equal hardware shares one line in slurm.conf."""

    sockets: int
    cores: int
    threads: int
    memory_mib: int
    gres: tuple[Gres, ...] = ()

    def settings(self, memory_fraction: float = 1.0) -> dict[str, Any]:
        """The keys of a NodeName line. Slurm drains a node with less memory than promised, so a part is kept back."""
        settings: dict[str, Any] = {
            "Sockets": self.sockets,
            "CoresPerSocket": self.cores,
            "ThreadsPerCore": self.threads,
            "RealMemory": int(self.memory_mib * memory_fraction),
        }
        if self.gres:
            settings["Gres"] = ",".join(map(str, self.gres))
        return settings


def from_instance(row: Mapping[str, Any]) -> Hardware:
    """Hardware as the catalogue's row of the instance type tells it."""
    gres: tuple[Gres, ...] = ()
    accelerator = row.get("accelerator")
    if accelerator:
        name, device = ACCELERATORS[accelerator["kind"]]
        model = re.sub(r"[^a-z0-9_]", "", str(accelerator["model"]).lower().replace("-", "_"))
        gres = (Gres(name, model, int(accelerator["count"]), device),)
    return Hardware(int(row["sockets"]), int(row["cores"]), int(row["threads"]), int(row["memory_mib"]), gres)


def from_slurmd(text: str) -> Hardware:
    """Hardware as `slurmd -C` prints it on the node."""
    line = next((line for line in text.splitlines() if line.startswith("NodeName=")), "")
    if not line:
        raise HardwareError(
            f"`slurmd -C` printed no NodeName line but {text.strip()[:120]!r}; is Slurm installed there?"
        )
    return from_settings(dict(word.split("=", 1) for word in line.split() if "=" in word))


def from_settings(settings: Mapping[str, str]) -> Hardware:
    """Hardware as the keys of a NodeName line tell it."""
    try:
        sockets = int(settings.get("Sockets") or int(settings["SocketsPerBoard"]) * int(settings.get("Boards", 1)))
        return Hardware(
            sockets,
            int(settings["CoresPerSocket"]),
            int(settings["ThreadsPerCore"]),
            int(settings["RealMemory"]),
            tuple(_gres(word) for word in settings.get("Gres", "").split(",") if word),
        )
    except (KeyError, ValueError) as error:
        raise HardwareError(f"NodeName={settings.get('NodeName')}: cannot read its hardware: {error}") from error


def _gres(word: str) -> Gres:
    """Read gpu:h100:8, gpu:8 or gpu."""
    name, *rest = re.sub(r"\(.*\)$", "", word).split(":")
    count = int(rest.pop()) if rest and rest[-1].isdigit() else 1
    device = next((device for known, device in ACCELERATORS.values() if known == name), "")
    return Gres(name, rest[0] if rest else "", count, device)
