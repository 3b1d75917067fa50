"""Checkpoints: `checkpoints/step-00000010/`, written by torch.distributed.checkpoint and readable in any layout.

Beside the tensors lies state.json: the step, the model's identity, and for every rank where its loader stands and its
random state. A checkpoint is written under a hidden name and renamed when it is whole, so what is visible is whole.
"""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load as load_tensors
from torch.distributed.checkpoint.state_dict_saver import async_save, save

from .config import Config
from .distributed import Ranks
from .errors import BadInput

STATE_FILE = "state.json"
Report = Callable[..., None]


def checkpoints(directory: Path) -> list[Path]:
    """The whole checkpoints, oldest first."""
    return sorted(path for path in directory.glob("step-*") if (path / STATE_FILE).is_file())


def find(directory: Path, config: Config) -> dict[str, Any] | None:
    """The state of the newest checkpoint to resume from, or None for a fresh start."""
    found = checkpoints(directory)
    if not found:
        return None
    if not config.resume:
        raise BadInput(f"{directory} already holds {found[-1].name}; take another run directory, or set resume=true")
    state = json.loads((found[-1] / STATE_FILE).read_text(encoding="utf-8"))
    if state["model_identity"] != config.model.identity:
        ours, theirs = asdict(config.model), state["model"]
        differing = sorted(key for key in ours if ours[key] != theirs.get(key))
        raise BadInput(
            f"{found[-1]} holds another model: it was trained from recipe '{state['recipe']}', this run is recipe "
            f"'{config.name}' and differs in {differing}; take another run directory or the recipe of the checkpoint"
        )
    state["path"] = str(found[-1])
    return dict(state)


def load(state: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer, ranks: Ranks) -> None:
    """Read the tensors into this layout, whatever layout wrote them, and this rank's random state."""
    model_state, optimizer_state = get_state_dict(model, optimizer)
    tensors = {"model": model_state, "optimizer": optimizer_state}
    load_tensors(tensors, checkpoint_id=state["path"], process_group=ranks.checkpoint)
    set_state_dict(model, optimizer, model_state_dict=model_state, optim_state_dict=optimizer_state)
    if len(state["ranks"]) == ranks.world_size:
        _set_random_state(state["ranks"][ranks.rank]["random"], ranks.device)


def loader_state(state: dict[str, Any], ranks: Ranks) -> dict[str, Any]:
    """Where this rank's loader stands. With another number of ranks any one will do: the loader judges its state."""
    number = ranks.rank if len(state["ranks"]) == ranks.world_size else 0
    return dict(state["ranks"][number]["loader"])


class Checkpointer:
    def __init__(self, directory: Path, config: Config, ranks: Ranks, report: Report) -> None:
        self._directory, self._config, self._ranks, self._report = directory, config, ranks, report
        self._pending: tuple[dict[str, Any], float, Future[Any]] | None = None
        if ranks.is_main:
            for leftover in directory.glob(".step-*.partial"):  # of a run that was killed while it wrote
                shutil.rmtree(leftover)
            directory.mkdir(parents=True, exist_ok=True)
        dist.barrier(ranks.control)

    def save(self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, values: dict[str, Any]) -> None:
        """Write now (sync), or copy now and write beside the next steps (async)."""
        self.finish()
        begun = time.time()
        partial = self._directory / f".step-{step:08d}.partial"
        own = {"loader": values.pop("loader"), "random": _random_state(self._ranks.device)}
        every: list[Any] = [None] * self._ranks.world_size
        dist.all_gather_object(every, own, group=self._ranks.control)
        model_state, optimizer_state = get_state_dict(model, optimizer)
        tensors = {"model": model_state, "optimizer": optimizer_state}
        state = {
            "step": step,
            "recipe": self._config.name,
            "model_identity": self._config.model.identity,
            "model": asdict(self._config.model),
            "data": data_identity(self._config),
            "ranks": every,
            **values,
        }
        if self._config.checkpoint_mode == "async":
            future = async_save(tensors, checkpoint_id=partial, process_group=self._ranks.checkpoint)
            assert isinstance(future, Future)
            self._pending = state, begun, future
        else:
            save(tensors, checkpoint_id=partial, process_group=self._ranks.checkpoint)
            self._publish(state, begun)

    def poll(self) -> None:
        """Give an asynchronous checkpoint its visible name as soon as it is whole."""
        if self._pending and self._pending[2].done():
            self.finish()

    def finish(self) -> None:
        """Wait for the asynchronous checkpoint under way, if there is one."""
        if self._pending is None:
            return
        state, begun, future = self._pending
        self._pending = None
        future.result()
        self._publish(state, begun)

    def _publish(self, state: dict[str, Any], begun: float) -> None:
        # Rank 0 coordinates the save: when its part is done, all ranks have written theirs.
        if not self._ranks.is_main:
            return
        path = self._directory / f"step-{state['step']:08d}"
        partial = self._directory / f".{path.name}.partial"
        (partial / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
        partial.rename(path)
        for old in checkpoints(self._directory)[: -self._config.keep_checkpoints]:
            shutil.rmtree(old)
        seconds = time.time() - begun
        self._report(
            "checkpoint", step=state["step"], path=str(path), seconds=seconds, mode=self._config.checkpoint_mode
        )


def data_identity(config: Config) -> dict[str, Any]:
    """What a loader's state is a place in; with any of it changed, the place means nothing."""
    return {**asdict(config.data), "sequence_length": config.sequence_length, "seed": config.seed}


def _random_state(device: torch.device) -> dict[str, str]:
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return {name: base64.b64encode(state.numpy().tobytes()).decode() for name, state in states.items()}


def _set_random_state(states: dict[str, str], device: torch.device) -> None:
    def tensor(text: str) -> torch.Tensor:
        return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)

    torch.set_rng_state(tensor(states["cpu"]))
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(tensor(states["cuda"]), device)
