"""A noise time in [0, 1] as a vector. Knows nothing of schedules.

Shape legend: B items, D width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genloom.net.layers import Linear


class TimeEmbedding(nn.Module):
    """Sines and cosines of 1000 t, then a two-layer MLP (Dhariwal & Nichol 2021)."""

    def __init__(self, width: int, waves: int = 64) -> None:
        super().__init__()
        steps = torch.arange(waves, dtype=torch.float32) / waves
        self.register_buffer("wave", torch.exp(-math.log(10000.0) * steps), persistent=False)
        self.up = Linear(2 * waves, width)
        self.down = Linear(width, width)

    def forward(self, time: Tensor) -> Tensor:
        """float [B] -> [B, D]."""
        turn = 1000.0 * time[:, None] * self.wave
        return self.down(nn.functional.silu(self.up(torch.cat((turn.cos(), turn.sin()), -1))))
