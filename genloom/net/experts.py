"""A feed-forward of many experts of which each position asks a few (Shazeer et al. 2017).

Acts on the last dimension alone: which experts a position asks follows from itself.
Shape legend: ... any leading dimensions, N all positions, D width, X experts, K asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genloom.net.layers import ACTIVATIONS, Activation, Linear, project


@dataclass(frozen=True, kw_only=True)
class Experts:
    """count experts of `hidden` each, of which a position asks `asked`. normalised: the shares of
    those asked sum to one. dense: layers that have a plain feed-forward instead."""

    count: int
    asked: int
    hidden: int
    normalised: bool = True
    dense: tuple[int, ...] = ()


class ExpertFeedForward(nn.Module):
    """Softmax over all experts, the best few asked, their answers added by share."""

    def __init__(self, width: int, experts: Experts, activation: Activation) -> None:
        super().__init__()
        self.experts, self.activation = experts, activation
        wide = 2 if activation in ("swiglu", "geglu") else 1
        self.gate = Linear(width, experts.count, bias=False)
        self.up = nn.Parameter(torch.empty(experts.count, wide * experts.hidden, width))
        self.down = nn.Parameter(torch.empty(experts.count, width, experts.hidden))
        nn.init.normal_(self.up, std=width**-0.5)
        nn.init.zeros_(self.down)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        chance, asked = self.gate(flat).float().softmax(-1).topk(self.experts.asked, -1)  # [N, K]
        if self.experts.normalised:
            chance = chance / chance.sum(-1, keepdim=True)
        out = torch.zeros_like(flat)
        for expert in asked.unique().tolist():
            row, place = (asked == expert).nonzero(as_tuple=True)
            h = ACTIVATIONS[self.activation](project(flat[row], self.up[expert].to(x.dtype)))
            answer = project(h, self.down[expert].to(x.dtype))
            out.index_add_(0, row, answer * chance[row, place, None].to(x.dtype))
        return out.reshape(x.shape)
