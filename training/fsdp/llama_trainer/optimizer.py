"""AdamW, the learning rate's course, and gradient clipping that is right under every layout."""

from __future__ import annotations

import math

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from .config import Config


def build_optimizer(model: nn.Module, config: Config) -> torch.optim.AdamW:
    """Matrices decay, gains do not. Fused: one call for all parameters, which is most of the step on a small model."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True)


def learning_rate(config: Config, step: int) -> float:
    """Linear warmup, then a cosine down to min_learning_rate_ratio. A function of the step, so it has no state."""
    if step <= config.warmup_steps:
        return config.learning_rate * step / max(config.warmup_steps, 1)
    progress = (step - config.warmup_steps) / max(config.max_steps - config.warmup_steps, 1)
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    ratio = config.min_learning_rate_ratio
    return config.learning_rate * (ratio + (1 - ratio) * cosine)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def clip_gradients(optimizer: torch.optim.Optimizer, max_norm: float) -> Tensor:
    """Scale all gradients so that their common norm is at most max_norm; returns the norm before.

    torch's clip_grad_norm_ cannot mix parameters of different meshes (tensor parallel matrices beside whole norms).
    Each rank sums the squares of what it holds; a sum is added over exactly the ranks among which it is sharded, for
    adding it over replicas would count it twice.
    """
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    local = [g.to_local() if isinstance(g, DTensor) else g for g in gradients]
    groups: dict[tuple[dist.ProcessGroup, ...], list[Tensor]] = {}
    for gradient, part in zip(gradients, local):
        groups.setdefault(_sharded_over(gradient), []).append(part)
    total = torch.zeros((), device=local[0].device)
    for process_groups, parts in groups.items():
        square = torch.stack(torch._foreach_norm([p for p in parts if p.numel()] or [total])).square().sum()
        for process_group in process_groups:
            dist.all_reduce(square, group=process_group)
        total = total + square
    norm = total.sqrt()
    torch._foreach_mul_(local, (max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


def _sharded_over(gradient: Tensor) -> tuple[dist.ProcessGroup, ...]:
    if not isinstance(gradient, DTensor):
        return ()
    mesh = gradient.device_mesh
    assert not any(p.is_partial() for p in gradient.placements), "a gradient was not summed over its ranks"
    return tuple(
        mesh.get_group(dim)
        for dim, placement in enumerate(gradient.placements)
        if not placement.is_replicate() and mesh.size(dim) > 1
    )
