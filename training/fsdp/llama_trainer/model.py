"""The Llama-family decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU, and Mixtral's experts.

Nothing here knows of ranks. parallel.py lays the model over them, initialise.py gives it its first weights.
Shapes: B batch, S sequence, D hidden, H heads, K key/value heads, E head size, V vocabulary.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, Replicate
from torch.utils.checkpoint import checkpoint

from .config import ModelConfig, RopeScaling
from .moe import MixtureOfExperts


def rope_frequencies(head_size: int, theta: float, scaling: RopeScaling | None) -> Tensor:
    """Radians per position of each pair of channels. Llama 3.1 slows the slow ones by `factor` and blends between."""
    frequencies = theta ** -(torch.arange(0, head_size, 2, dtype=torch.float64) / head_size)
    if scaling is None:
        return frequencies
    turns = scaling.original_context_length * frequencies / (2 * math.pi)  # full turns within the first context
    keep = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    keep = keep.clamp(0, 1)  # 1: many turns, unchanged; 0: few turns, slowed in full
    return keep * frequencies + (1 - keep) * frequencies / scaling.factor


def rotate(x_bhse: Tensor, cos_se: Tensor, sin_se: Tensor) -> Tensor:
    """Turn channel i together with channel i + E/2, by the position's angle; in fp32 whatever x is."""
    first, second = x_bhse.float().chunk(2, dim=-1)
    turned = torch.cat((first * cos_se - second * sin_se, second * cos_se + first * sin_se), dim=-1)
    return turned.type_as(x_bhse)


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(size))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.head_size = config.head_size
        self.wq = nn.Linear(config.hidden_size, config.num_heads * self.head_size, bias=False)
        self.wk = nn.Linear(config.hidden_size, config.num_kv_heads * self.head_size, bias=False)
        self.wv = nn.Linear(config.hidden_size, config.num_kv_heads * self.head_size, bias=False)
        self.wo = nn.Linear(config.num_heads * self.head_size, config.hidden_size, bias=False)

    def forward(self, x_bsd: Tensor, cos_se: Tensor, sin_se: Tensor) -> Tensor:
        batch, length, _ = x_bsd.shape
        # -1 and not num_heads: under tensor parallelism this rank holds only its share of the heads.
        q_bhse, k_bkse, v_bkse = (
            linear(x_bsd).view(batch, length, -1, self.head_size).transpose(1, 2)
            for linear in (self.wq, self.wk, self.wv)
        )
        q_bhse, k_bkse = rotate(q_bhse, cos_se, sin_se), rotate(k_bkse, cos_se, sin_se)
        grouped = q_bhse.shape[1] != k_bkse.shape[1]
        y_bhse = F.scaled_dot_product_attention(q_bhse, k_bkse, v_bkse, is_causal=True, enable_gqa=grouped)
        out: Tensor = self.wo(y_bhse.transpose(1, 2).reshape(batch, length, -1))
        return out


class FeedForward(nn.Module):
    """SwiGLU. Mixtral's experts are this very module."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.w1 = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.w2 = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.w3 = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.w2(F.silu(self.w1(x)) * self.w3(x))
        return out


class Block(nn.Module):
    """One layer. Returns its output and the router's balance loss (zero for a dense layer)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.recompute = False  # activation checkpointing: set by parallel.py
        self.attention_norm = RMSNorm(config.hidden_size, config.norm_eps)
        self.attention = Attention(config)
        self.feed_forward_norm = RMSNorm(config.hidden_size, config.norm_eps)
        self.feed_forward: nn.Module = (
            MixtureOfExperts(config, [FeedForward(config) for _ in range(config.num_experts)])
            if config.num_experts
            else FeedForward(config)
        )

    def forward(self, x_bsd: Tensor, cos_se: Tensor, sin_se: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.recompute and torch.is_grad_enabled():
            out: tuple[Tensor, Tensor | None] = checkpoint(self._layer, x_bsd, cos_se, sin_se, use_reentrant=False)
            return out
        return self._layer(x_bsd, cos_se, sin_se)

    def _layer(self, x_bsd: Tensor, cos_se: Tensor, sin_se: Tensor) -> tuple[Tensor, Tensor | None]:
        h_bsd = x_bsd + self.attention(self.attention_norm(x_bsd), cos_se, sin_se)
        out = self.feed_forward(self.feed_forward_norm(h_bsd))
        out_bsd, balance = out if isinstance(out, tuple) else (out, None)
        return h_bsd + out_bsd, balance


class Llama(nn.Module):
    rope_cos: Tensor
    rope_sin: Tensor

    def __init__(self, config: ModelConfig, sequence_length: int) -> None:
        super().__init__()
        self.config = config
        self.sequence_length = sequence_length
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.norm_eps)
        self.output = None if config.tied_embeddings else nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        table = torch.empty(sequence_length, config.head_size // 2)
        self.register_buffer("rope_cos", table, persistent=False)  # computed, so no part of a checkpoint
        self.register_buffer("rope_sin", table.clone(), persistent=False)

    def forward(self, tokens_bs: Tensor, targets_bs: Tensor) -> Tensor:
        """The mean cross-entropy over all positions, and the experts' balance loss on top where there are experts."""
        x_bsd = self.embeddings(tokens_bs)
        length = tokens_bs.shape[1]
        cos_se, sin_se = self.rope_cos[:length], self.rope_sin[:length]
        balance_losses = []
        for layer in self.layers:
            x_bsd, balance = layer(x_bsd, cos_se, sin_se)
            if balance is not None:
                balance_losses.append(balance)
        logits_bsv = project(self.norm(x_bsd), self.embeddings.weight if self.output is None else self.output.weight)
        loss = F.cross_entropy(logits_bsv.flatten(0, 1).float(), targets_bs.flatten())
        # The balance loss steers training only: a validation loss is the cross-entropy alone.
        if balance_losses and torch.is_grad_enabled():
            loss = loss + self.config.router_loss_weight * torch.stack(balance_losses).mean()
        return loss


def project(x_bsd: Tensor, weight_vd: Tensor) -> Tensor:
    """Logits over the vocabulary. A function and not a module, so that tied embeddings are one parameter only.

    Under tensor parallelism each rank holds a slice of the vocabulary: compute the slice, then gather the logits.
    """
    if not isinstance(weight_vd, DTensor):
        return F.linear(x_bsd, weight_vd)
    x = DTensor.from_local(x_bsd, weight_vd.device_mesh, [Replicate()], run_check=False)
    logits = F.linear(x, weight_vd)
    assert isinstance(logits, DTensor)
    local: Tensor = logits.redistribute(placements=[Replicate()]).to_local()
    return local
