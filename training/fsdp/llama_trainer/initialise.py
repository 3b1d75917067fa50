"""First weights. The model is built on the meta device, laid over the ranks, and only then given memory.

`to_empty` gives memory, not values: every parameter and buffer must be set here, and what is not known here is an
error. A parameter's values depend on the seed and its name only, so a model has the same first weights in every
layout (ddp, fsdp, hsdp, tensor parallel) and on every number of ranks.
"""

from __future__ import annotations

import math
import zlib

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from .config import Config, ModelConfig
from .model import Llama, rope_frequencies


def build_on_meta(config: Config) -> Llama:
    with torch.device("meta"):
        return Llama(config.model, config.sequence_length)


def materialise(model: nn.Module, config: Config, device: torch.device) -> None:
    """Give every parameter and buffer memory on the device, and its first value."""
    model.to_empty(device=device)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            _fill(parameter, _first_value(name, parameter.shape, config, device))
        for name, buffer in model.named_buffers():
            buffer.copy_(_rope_table(name, config, device))


def _first_value(name: str, shape: torch.Size, config: Config, device: torch.device) -> Tensor:
    if name.endswith("norm.weight"):
        return torch.ones(shape, device=device)
    assert name.endswith(".weight"), f"nobody says how to initialise {name}"
    # One generator a parameter: its values do not depend on which others this rank has drawn before. Seed and name are
    # hashed into 32 bits, for the CPU's generator looks at no more of a seed than that.
    generator = torch.Generator(device=device).manual_seed(zlib.crc32(f"{config.seed} {name}".encode()))
    return torch.empty(shape, device=device).normal_(0.0, _deviation(name, config.model), generator=generator)


def _deviation(name: str, model: ModelConfig) -> float:
    # What is added to the residual stream starts smaller, the more layers add to it.
    into_residual = name.endswith(("attention.wo.weight", ".w2.weight"))
    return model.initializer_range / (math.sqrt(2 * model.num_layers) if into_residual else 1.0)


def _rope_table(name: str, config: Config, device: torch.device) -> Tensor:
    model = config.model
    frequencies = rope_frequencies(model.head_size, model.rope_theta, model.rope_scaling)
    angles = torch.outer(torch.arange(config.sequence_length, dtype=torch.float64), frequencies)
    tables = {"rope_cos": angles.cos, "rope_sin": angles.sin}
    return tables[name]().float().to(device)


def _fill(parameter: Tensor, whole: Tensor) -> None:
    if not isinstance(parameter, DTensor):
        parameter.copy_(whole)
        return
    shape, offset = compute_local_shape_and_global_offset(parameter.shape, parameter.device_mesh, parameter.placements)
    local = parameter.to_local()
    if local.numel():
        local.copy_(whole[tuple(slice(start, start + size) for start, size in zip(offset, shape))])
