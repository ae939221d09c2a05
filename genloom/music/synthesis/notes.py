"""Notes to be played, as arrays: what an instrument is asked for. Knows no score.

Shape legend: B notes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

A4 = 69


@dataclass(frozen=True)
class Notes:
    """onset, length: seconds, float64 [B]; pitch: MIDI, float64 [B]; velocity: 0 to 1, float64 [B];
    seed: of each note, int64 [B]."""

    onset: np.ndarray
    length: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    seed: np.ndarray

    def __len__(self) -> int:
        return len(self.onset)

    def select(self, rows: np.ndarray) -> Notes:
        return replace(self, **{name: value[rows] for name, value in vars(self).items()})

    @property
    def frequency(self) -> Tensor:
        """Hz, equal temperament, A4 = 440; float64 [B]."""
        return torch.from_numpy(440.0 * 2.0 ** ((self.pitch - A4) / 12))

    @property
    def loudness(self) -> Tensor:
        """Amplitude by velocity: 40 dB from the softest to the loudest; float64 [B]."""
        return torch.from_numpy(10 ** (2.0 * (self.velocity - 1.0)))

    @property
    def force(self) -> Tensor:
        return torch.from_numpy(np.asarray(self.velocity, float))

    def noise(self, count: int) -> Tensor:
        """float64 [B, count], normal, each note's own."""
        draws = [np.random.default_rng(int(seed)).standard_normal(count) for seed in self.seed]
        return torch.from_numpy(np.stack(draws)) if draws else torch.zeros(0, count).double()


def released(sound: Tensor, length: Tensor, release: Tensor, rate: int) -> Tensor:
    """Sounds [B, N] that fade from the note's end on, seconds [B] each: exponentially to 1/e in a
    quarter of `release`, and to nothing at its end. Changed in place."""
    first = int(length.min() * rate)
    tail = sound[:, first:]
    n = torch.arange(first, sound.shape[1], dtype=torch.float32)
    begin, size = (length * rate).float()[:, None], (release * rate).float()[:, None]
    behind = (n - begin).clamp_(min=0).div_(size)
    tail.mul_(torch.exp(-4.0 * behind)).mul_((1 - behind).clamp_(min=0))
    return sound


def attacked(sound: Tensor, attack: float, rate: int) -> Tensor:
    """Sounds [B, N] that rise by half a cosine in so many seconds. Changed in place."""
    size = min(max(1, round(attack * rate)), sound.shape[1])
    rise = 0.5 - 0.5 * torch.cos(torch.pi * torch.arange(size) / size)
    sound[:, :size] *= rise
    return sound
