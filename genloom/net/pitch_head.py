"""The pitch of a voice out of the frames that tell of it.

A few convolutions, then one of many classes a frame, evenly spaced in the logarithm of the
frequency, as CREPE has them (Kim et al. 2018, eq. 1-3), and whether there is a voice at all. Knows
frames and frequencies in turns a hop.
Shape legend: B items, K channels told, T frames, C classes.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 160
BLUR = 1.0  # classes: deviation of what is to be found
NEAR = 3  # classes on each side of the likeliest that a frequency is the mean of
WIDTH, KERNEL = 128, 5


class PitchHead(nn.Module):
    """told [B, K, T] -> logits of classes and of a voice, float [B, C + 1, T]."""

    def __init__(self, channels: int, lowest: float, highest: float) -> None:
        super().__init__()
        self.low, self.span = math.log(lowest), math.log(highest / lowest)
        sizes = (channels, WIDTH, WIDTH, WIDTH)
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Conv1d(a, b, KERNEL, padding=KERNEL // 2), nn.GELU()]
        self.body = nn.Sequential(*layers)
        self.out = nn.Conv1d(WIDTH, CLASSES + 1, 1)

    def forward(self, told: Tensor) -> Tensor:
        return self.out(self.body(told)).float()

    def found(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """(frequencies in turns a hop [B, T], the chance of a voice [B, T])."""
        chance = logits[:, :-1].softmax(1)
        best = chance.argmax(1, keepdim=True)
        places = torch.arange(CLASSES, device=logits.device)[None, :, None]
        chance = chance.masked_fill((places - best).abs() > NEAR, 0.0)
        place = (chance * places).sum(1) / chance.sum(1)
        return (self.low + self.span * place / (CLASSES - 1)).exp(), logits[:, -1].sigmoid()

    def level(self, turns: Tensor) -> Tensor:
        """float [B, 1, T], 0 to 1 from the lowest to the highest."""
        return ((turns.log() - self.low) / self.span)[:, None]

    def error(self, logits: Tensor, turns: Tensor, voiced: Tensor) -> Tensor:
        """float [B], nats a frame: of the classes where there is a voice, and of there being one.
        turns: in a hop, [B, T]; voiced: bool [B, T]."""
        place = self.level(turns)[:, 0] * (CLASSES - 1)
        places = torch.arange(CLASSES, device=logits.device)[None, :, None]
        wanted = (-0.5 * ((places - place[:, None]) / BLUR).square()).softmax(1)
        missed = -(wanted * logits[:, :-1].log_softmax(1)).sum(1) * voiced
        there = F.binary_cross_entropy_with_logits(logits[:, -1], voiced.float(), reduction="none")
        return (missed + there).mean(1)
