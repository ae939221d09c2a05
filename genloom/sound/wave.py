"""A sound: its samples and its rate. Knows no file, medium or net.

Shape legend: C channels, N samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genloom.errors import DataError

RATES = (4_000, 384_000)  # samples a second, of sounds that are taken in
CHANNELS = 64


@dataclass(frozen=True, eq=False)
class Sound:
    """samples: float32 [C, N], mostly within [-1, 1]; rate: samples a second."""

    samples: Tensor
    rate: int

    def __post_init__(self) -> None:
        low, high = RATES
        if not low <= self.rate <= high:
            raise DataError(f"a rate of {self.rate} Hz: {low} to {high} Hz are expected")
        if self.samples.dim() != 2 or not 1 <= len(self.samples) <= CHANNELS:
            raise DataError(
                f"samples of the shape {tuple(self.samples.shape)}: [channels, samples] with 1 to "
                f"{CHANNELS} channels are expected"
            )

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.rate

    def mono(self) -> Tensor:
        """float [N]: the mean of the channels."""
        return self.samples.mean(0)

    def finite(self) -> Sound:
        """With zeros where samples are no numbers."""
        return Sound(torch.nan_to_num(self.samples, nan=0.0, posinf=1.0, neginf=-1.0), self.rate)
