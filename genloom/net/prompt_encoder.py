"""A small text encoder trained with the model it serves: prompt ids to vectors.

Knows ids and padding, not what the words mean or which net asked.
Shape legend: B items, P prompt positions, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genloom.net.attention import FullAttention
from genloom.net.layers import initialise
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import TokenSpec


class PromptEncoder(nn.Module):
    """Ids [B, P] to (sequence [B, P, D], present bool [B, P], pooled [B, D]).

    The empty prompt is padding throughout; its pooled vector is learnt.
    """

    def __init__(self, spec: TokenSpec, width: int, depth: int) -> None:
        super().__init__()
        self.pad = spec.pad
        self.embed = nn.Embedding(spec.vocab, width)
        self.empty = nn.Parameter(torch.zeros(width))
        heads = max(1, width // 32)
        config = TransformerConfig(width=width, depth=depth, heads=heads, expansion=2.0)
        self.transformer = Transformer(config) if depth and spec.length > 1 else None
        initialise(self.embed)
        nn.init.normal_(self.embed.weight, std=1.0)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        present = ids != self.pad
        h = self.embed(ids)
        if self.transformer is not None:
            position = torch.arange(ids.shape[1], device=ids.device)[None, :, None]
            looked = present.clone()
            looked[:, 0] = True  # a row with nothing to look at would be NaN
            h = self.transformer(h, position, FullAttention(looked))
        weight = present.to(h.dtype).unsqueeze(-1)
        total = (h * weight).sum(1)
        some = weight.sum(1)
        pooled = torch.where(some > 0, total / some.clamp(min=1), self.empty.to(h.dtype))
        return h, present, pooled

    def null(self, ids: Tensor) -> Tensor:
        """The empty prompt, in the shape of ids."""
        return torch.full_like(ids, self.pad)
