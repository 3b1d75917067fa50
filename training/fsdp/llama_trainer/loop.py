"""The loop: step, and once in a while log, validate and checkpoint."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .checkpoint import Checkpointer
from .config import Config
from .data import Loader, State
from .distributed import Ranks, StopSignal
from .metrics import Clock, Journal, flops_per_token, memory_bytes
from .optimizer import clip_gradients, learning_rate, set_learning_rate
from .parallel import sync_gradients


@dataclass(frozen=True)
class Run:
    config: Config
    ranks: Ranks
    model: nn.Module
    optimizer: torch.optim.Optimizer
    training: Loader
    validation: Loader | None
    checkpointer: Checkpointer
    journal: Journal
    stop: StopSignal
    clock: Clock
    peak_flops: float | None

    @property
    def tokens_per_step(self) -> int:
        return self.config.sequences_per_rank * self.config.sequence_length * self.ranks.num_data_ranks


@dataclass
class Progress:
    """What changes while a run trains; a checkpoint holds all of it."""

    step: int
    loader: State
    first_loss: float | None = None
    last_loss: float | None = None


# ----------------------------------------------------------------------------------------------------------------------
def train_step(run: Run, step: int, state: State) -> tuple[Tensor, Tensor, State]:
    """One step of the optimizer. Returns this rank's loss, the gradients' norm, and where the loader stands."""
    config, clock = run.config, run.clock
    clock.start()
    set_learning_rate(run.optimizer, learning_rate(config, step))
    sequences, state = run.training.read(state, config.sequences_per_rank)
    sequences = sequences.to(run.ranks.device, non_blocking=True)
    micro_batches = sequences.view(-1, config.batch_size, config.sequence_length + 1)
    clock.mark("data")

    step_loss = torch.zeros((), device=run.ranks.device)
    for number, micro_batch in enumerate(micro_batches, start=1):
        if len(micro_batches) > 1:
            sync_gradients(run.model, number == len(micro_batches))
        loss = forward(run, micro_batch) / len(micro_batches)
        clock.mark("forward")
        torch.autograd.backward(loss)
        clock.mark("backward")
        step_loss += loss.detach()

    norm = clip_gradients(run.optimizer, config.max_grad_norm)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    clock.mark("optimizer")
    return step_loss, norm, state


# ----------------------------------------------------------------------------------------------------------------------
def forward(run: Run, sequences: Tensor) -> Tensor:
    # FSDP computes in bf16 by its own policy; ddp has whole fp32 parameters and needs autocast.
    autocast = run.config.precision == "bf16" and run.config.parallelism == "ddp"
    with torch.autocast(run.ranks.device.type, torch.bfloat16) if autocast else nullcontext():
        loss: Tensor = run.model(sequences[:, :-1], sequences[:, 1:])
    return loss


def train(run: Run, progress: Progress) -> str:
    """Train to the last step, or to a signal. Returns how it ended: completed or stopped."""
    config = run.config
    begun, since, steps_since = time.perf_counter(), time.perf_counter(), 0
    first_step, status = progress.step + 1, "completed"
    for step in range(first_step, config.max_steps + 1):
        ask = run.stop.begin(run.ranks.control)
        loss, norm, progress.loader = train_step(run, step, progress.loader)
        progress.step, steps_since = step, steps_since + 1

        # now and then: tell how it goes. The loss is brought over from the GPU only here.
        if step % config.log_every == 0 or step in (first_step, config.max_steps):
            record_loss(progress, run.ranks.mean(loss).item())
            now = time.perf_counter()
            report_step(run, progress, norm.item(), run.tokens_per_step * steps_since / (now - since))
            since, steps_since = now, 0

        # once in a while: the loss on data that was set aside
        if run.validation is not None and (step % config.validate_every == 0 or step == config.max_steps):
            run.journal.write("validation", step=step, validation_loss=validate(run))

        # once in a while, at the end, and when asked to stop: save all of it
        stopping = ask.agreed()
        if step % config.checkpoint_every == 0 or step == config.max_steps or stopping:
            values = {"loader": progress.loader, "first_loss": progress.first_loss, "last_loss": progress.last_loss}
            values["learning_rate"] = learning_rate(config, step)
            run.checkpointer.save(step, run.model, run.optimizer, values)
        run.checkpointer.poll()
        if stopping and step < config.max_steps:
            status = "stopped"
            break
    run.checkpointer.finish()
    steps_per_second = (progress.step - first_step + 1) / (time.perf_counter() - begun)
    report_end(run, progress, status, run.tokens_per_step * steps_per_second)
    return status


@torch.no_grad()
def validate(run: Run) -> float:
    assert run.validation is not None
    run.model.eval()
    total, state = torch.zeros((), device=run.ranks.device), run.validation.start()
    for _ in range(run.config.num_validation_batches):
        sequences, state = run.validation.read(state, run.config.batch_size)
        total += forward(run, sequences.to(run.ranks.device))
    run.model.train()
    return run.ranks.mean(total / run.config.num_validation_batches).item()


def record_loss(progress: Progress, loss: float) -> None:
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss of step {progress.step} is {loss}; lower learning_rate or look at the data")
    progress.first_loss = loss if progress.first_loss is None else progress.first_loss
    progress.last_loss = loss


def report_step(run: Run, progress: Progress, grad_norm: float, tokens_per_second: float) -> None:
    peak = run.peak_flops
    flops = tokens_per_second * flops_per_token(run.config)
    values: dict[str, Any] = {
        "step": progress.step,
        "loss": progress.last_loss,
        "lr": learning_rate(run.config, progress.step),
        "grad_norm": grad_norm,
        "tokens_per_second": tokens_per_second,
        "mfu": flops / (peak * run.ranks.world_size) if peak else None,
        "memory_bytes": memory_bytes(run.ranks.device),
    }
    run.journal.write("step", **values, **run.clock.seconds())


def report_start(run: Run, resumed_from: int | None) -> None:
    config, ranks = run.config, run.ranks
    run.journal.write(
        "start",
        workload=run.journal.workload,
        recipe=config.name,
        world_size=ranks.world_size,
        num_nodes=ranks.num_nodes,
        device=torch.cuda.get_device_name(ranks.device) if ranks.device.type == "cuda" else "cpu",
        parallelism=config.parallelism,
        mesh=dict(zip(ranks.mesh.mesh_dim_names or (), ranks.mesh.shape)),
        parameters=sum(p.numel() for p in run.model.parameters()),
        tokens_per_step=run.tokens_per_step,
        max_steps=config.max_steps,
        peak_flops_per_device=run.peak_flops,
        resumed_from_step=resumed_from,
    )


def report_end(run: Run, progress: Progress, status: str, tokens_per_second: float) -> None:
    run.journal.write(
        "end",
        step=progress.step,
        status=status,
        first_loss=progress.first_loss,
        last_loss=progress.last_loss,
        tokens_per_second=tokens_per_second,
    )
