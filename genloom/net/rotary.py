"""Rotary positions over A integer axes (Su et al. 2021; axes share the head dimension evenly).

Knows coordinates and head dimensions; not where the coordinates come from.
Shape legend: ... leading dimensions, A axes, H heads, E head dimension.
"""

from __future__ import annotations

import torch
from torch import Tensor


def angles(position: Tensor, size: int, base: float = 10000.0) -> tuple[Tensor, Tensor]:
    """cos and sin, float [..., size / 2], for positions long [..., A].

    Each axis turns size / (2 A) pairs; pairs left over stay unturned.
    """
    axes = position.shape[-1]
    pairs = size // (2 * axes)
    frequency = base ** -(
        torch.arange(pairs, device=position.device, dtype=torch.float32) / max(pairs, 1)
    )
    turn = (position[..., None].float() * frequency).flatten(-2)  # [..., A * pairs]
    rest = size // 2 - axes * pairs
    if rest:
        turn = torch.nn.functional.pad(turn, (0, rest))
    return turn.cos(), turn.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (x[i], x[i + E/2]) of each head: x [..., H, E], cos and sin [..., E/2]."""
    first, second = x.chunk(2, -1)
    cos, sin = cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
