"""Mixtral's mixture of experts: a router sends each token to its best experts and mixes what they return."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig


class MixtureOfExperts(nn.Module):
    def __init__(self, config: ModelConfig, experts: list[nn.Module]) -> None:
        super().__init__()
        self.num_experts_per_token = config.num_experts_per_token
        self.router = nn.Linear(config.hidden_size, config.num_experts, bias=False)
        self.experts = nn.ModuleList(experts)

    def forward(self, x_bsd: Tensor) -> tuple[Tensor, Tensor]:
        x_td = x_bsd.flatten(0, 1)  # T: the tokens of all sequences
        scores_tn = self.router(x_td).float()
        best_tk, chosen_tk = scores_tn.topk(self.num_experts_per_token, dim=-1)
        weights_tk = best_tk.softmax(dim=-1).type_as(x_td)
        out_td = torch.zeros_like(x_td)
        for number, expert in enumerate(self.experts):
            token, slot = (chosen_tk == number).nonzero(as_tuple=True)
            # Also with no token at all: every rank must run every expert, or FSDP's collectives would not match up.
            mixed = expert(x_td[token]) * weights_tk[token, slot, None]
            out_td = out_td.index_add(0, token, mixed)
        return out_td.view_as(x_bsd), self._balance_loss(scores_tn, chosen_tk)

    def _balance_loss(self, scores_tn: Tensor, chosen_tk: Tensor) -> Tensor:
        """1 times experts-per-token when all experts get the same share, more when the router favours some."""
        num_experts = len(self.experts)
        share_n = F.one_hot(chosen_tk, num_experts).float().sum(dim=1).mean(dim=0)
        probability_n = scores_tn.softmax(dim=-1).mean(dim=0)
        return num_experts * (share_n * probability_n).sum()
