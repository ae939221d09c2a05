"""Waveforms from magnitudes alone: the slow way that needs no training.

Griffin & Lim (1984) with the momentum of Perraudin, Balazs & Sondergaard (2013): from random
phases, over and over, the nearest spectrum that a waveform has. Knows frames; not what sounds.
Shape legend: F frequencies, T frames, M mel bands, N samples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.sound.spectra import Frames

ROUNDS = 32
MOMENTUM = 0.99


def griffin_lim(frames: Frames, magnitude: Tensor, rounds: int = ROUNDS, seed: int = 0) -> Tensor:
    """float [..., T * hop] whose spectrum has nearly these magnitudes, float [..., F, T]."""
    rng = torch.Generator().manual_seed(seed)
    turn = torch.rand(magnitude.shape[-2:], generator=rng).to(magnitude.device) * 2 * torch.pi
    phase = torch.polar(torch.ones_like(turn), turn).expand(magnitude.shape)
    before = torch.zeros_like(phase)
    for _ in range(rounds):
        there = frames.spectrum(frames.waves(magnitude * phase))
        moved = there + MOMENTUM * (there - before)
        phase, before = moved / moved.abs().clamp(min=1e-9), there
    return frames.waves(magnitude * phase)


def waves_of_mel(frames: Frames, mel: Tensor, rounds: int = ROUNDS, seed: int = 0) -> Tensor:
    """float [..., T * hop] with nearly these mel frames, float [..., M, T] in logarithms."""
    return griffin_lim(frames, frames.magnitudes(mel), rounds, seed)
