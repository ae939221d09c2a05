"""A small text encoder trained with the model it serves: prompts to vectors.

Takes ids, or features that a frozen encoder made of them. Knows padding, not what the words mean or
which net asked.
Shape legend: B items, P prompt positions, E feature width, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genloom.net.attention import FullAttention
from genloom.net.layers import Linear, initialise
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import FeatureSpec, PromptSpec


class PromptEncoder(nn.Module):
    """Ids [B, P] or features [B, P, E] to (sequence [B, P, D], present bool [B, P], pooled [B, D]).

    The empty prompt is padding throughout, or all zeros; its pooled vector is learnt.
    """

    def __init__(self, spec: PromptSpec, width: int, depth: int) -> None:
        super().__init__()
        self.embed: nn.Module
        if isinstance(spec, FeatureSpec):
            self.pad, self.embed = 0, Linear(spec.width, width)
        else:
            self.pad, self.embed = spec.pad, nn.Embedding(spec.vocab, width)
        self.empty = nn.Parameter(torch.zeros(width))
        heads = max(1, width // 32)
        config = TransformerConfig(width=width, depth=depth, heads=heads, expansion=2.0)
        self.transformer = Transformer(config) if depth and spec.length > 1 else None
        initialise(self.embed)
        if isinstance(self.embed, nn.Embedding):
            nn.init.normal_(self.embed.weight, std=1.0)

    def forward(self, told: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        there = told != self.pad
        present = there.any(-1) if told.dim() == 3 else there
        h = self.embed(told)
        if self.transformer is not None:
            position = torch.arange(told.shape[1], device=told.device)[None, :, None]
            looked = present.clone()
            looked[:, 0] = True  # a row with nothing to look at would be NaN
            h = self.transformer(h, position, FullAttention(looked))
        weight = present.to(h.dtype).unsqueeze(-1)
        total = (h * weight).sum(1)
        some = weight.sum(1)
        pooled = torch.where(some > 0, total / some.clamp(min=1), self.empty.to(h.dtype))
        return h, present, pooled

    def null(self, told: Tensor) -> Tensor:
        """The empty prompt, in the shape of what is told."""
        return torch.full_like(told, self.pad)
