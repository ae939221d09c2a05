"""What a voice is made of before it is shaped: pulses at a pitch, and noise.

All harmonics of a frequency that changes, of equal strength, their phases running on from frame to
frame (Wang, Takaki & Yamagishi 2019, section II-B, by the closed form of a sum of cosines). Knows
frequencies in turns a sample, nothing of what is told of a sound.
Shape legend: B items, T frames, N = T * hop samples.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SEED = 0  # of the noise of a net at rest


def pulses(turns: Tensor, hop: int) -> Tensor:
    """float [B, N] of frequencies in turns a sample [B, T], those of the frames' middles: a sum of
    K cosines, K as many as lie below half the rate, of variance 1."""
    step = spread(turns.double().log(), hop).exp()
    angle = 2 * math.pi * (step.cumsum(1) % 1)
    count = (0.5 / step).floor().clamp(min=1)
    half = (angle / 2).sin()
    near = half.abs() < 1e-6
    whole = ((count + 0.5) * angle).sin() / (2 * half.masked_fill(near, 1.0))
    total = torch.where(near, count, whole - 0.5)
    return (total * (2 / count).sqrt()).to(turns.dtype)


def spread(told: Tensor, hop: int) -> Tensor:
    """float [B, T * hop] of what the frames' middles have, [B, T]; straight lines between."""
    made = F.interpolate(told[:, None], scale_factor=hop, mode="linear", align_corners=False)
    return made[:, 0]


def noise(count: int, like: Tensor, fresh: bool) -> Tensor:
    """float [B, N] of variance 1, B as `like` has; the same for all and always, unless fresh."""
    if fresh:
        return torch.randn(len(like), count, device=like.device)
    rng = torch.Generator().manual_seed(SEED)
    return torch.randn(count, generator=rng).to(like.device).expand(len(like), count)
