"""Laying the model over the ranks: tensor parallel first, then activation checkpointing, compile, and data parallel.

ddp keeps the whole model on every rank. fsdp shards every parameter over all data-parallel ranks. hsdp shards within
a group and keeps a replica in each group: gradients are reduce-scattered within it, then all-reduced across.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import Replicate
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

from .config import Config
from .distributed import Ranks
from .initialise import build_on_meta, materialise
from .model import Block, Llama
from .moe import MixtureOfExperts


def build_model(config: Config, ranks: Ranks) -> nn.Module:
    """The model, laid over the ranks, with its first weights: from meta, so no rank ever holds all of a big model."""
    model = build_on_meta(config)
    if config.tensor_parallel_degree > 1:
        tensor_parallel(model, ranks)
    for layer in model.layers:
        assert isinstance(layer, Block)
        layer.recompute = config.activation_checkpointing
        if config.compile:
            layer.compile()
    if config.parallelism == "ddp":
        materialise(model, config, ranks.device)
        device_ids = [ranks.device.index] if ranks.device.type == "cuda" else None
        # Every rank has drawn the same weights, so there is nothing to broadcast.
        return DistributedDataParallel(
            model, device_ids=device_ids, init_sync=False, broadcast_buffers=False, gradient_as_bucket_view=True
        )
    shard_fully(model, config, ranks)
    materialise(model, config, ranks.device)
    return model


def tensor_parallel(model: Llama, ranks: Ranks) -> None:
    """Split heads, feed-forward channels and the vocabulary. Norms and the router stay whole and equal on all peers."""
    mesh = ranks.mesh["tensor"]
    split = {"w1": ColwiseParallel(), "w2": RowwiseParallel(), "w3": ColwiseParallel()}
    for layer in model.layers:
        assert isinstance(layer, Block)
        heads = {"wq": ColwiseParallel(), "wk": ColwiseParallel(), "wv": ColwiseParallel(), "wo": RowwiseParallel()}
        parallelize_module(layer.attention, mesh, heads)
        feed_forward = layer.feed_forward
        for part in feed_forward.experts if isinstance(feed_forward, MixtureOfExperts) else [feed_forward]:
            parallelize_module(part, mesh, dict(split))
    parallelize_module(model.embeddings, mesh, RowwiseParallel(input_layouts=Replicate()))
    if model.output is not None:  # project() in model.py does the arithmetic, so only the weight is laid out here
        parallelize_module(model.output, mesh, ColwiseParallel())


def shard_fully(model: Llama, config: Config, ranks: Ranks) -> None:
    """FSDP2: a unit of layers is gathered just before it computes and let go after; the rest is one more unit."""
    mesh = ranks.mesh["replicate", "shard"] if config.parallelism == "hsdp" else ranks.mesh["shard"]
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    # The rotary tables are inputs of a layer; cast to bf16 they would blur far positions, so inputs are left alone.
    policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32, cast_forward_inputs=False)
    layers, size = list(model.layers), config.layers_per_unit
    units = [layers[first : first + size] for first in range(0, len(layers), size)] if size else []
    for unit in units:
        last = unit is units[-1]  # its backward comes next: letting it go would gather it at once again
        fully_shard(unit, mesh=mesh, mp_policy=policy, reshard_after_forward=not last)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    if ranks.device.type == "cpu":
        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.set_force_sum_reduction_for_comms(True)  # gloo cannot average while it reduces


def placements(model: nn.Module) -> dict[str, str]:
    """How each parameter lies on the ranks; tests hold the layout by it, for a loss alone does not show it."""
    return {name: str(getattr(p, "placements", "whole")) for name, p in model.named_parameters()}


def sync_gradients(model: nn.Module, wanted: bool) -> None:
    """Off for all micro-batches of a step but the last: gradients are summed over the ranks once a step."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(wanted)
    elif isinstance(model, DistributedDataParallel):
        model.require_backward_grad_sync = wanted
