"""Waveforms from magnitudes alone: the slow way that needs no training, and a step by which any
other way's come nearer.

Griffin & Lim (1984) with the momentum of Perraudin, Balazs & Sondergaard (2013): from random
phases, over and over, the nearest spectrum that a waveform has. Knows frames; not what sounds.
Shape legend: F frequencies, T frames, M mel bands, N samples.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from genloom.sound.spectra import FLOOR, Frames

ROUNDS = 32
MOMENTUM = 0.99
NEARER = 2  # rounds: of a vocoder's waves the first takes a third of the mel distance, more little
MOST = 3.0  # of the logarithm of what a round multiplies with


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


def nearer(frames: Frames, waves: Tensor, mel: Tensor, rounds: int = NEARER) -> Tensor:
    """float [..., T * hop]: waves whose mel frames are nearer to these, float [..., M, T] in
    logarithms. Phases stay; each frequency is multiplied with what the bands around it lack."""
    filters, shares = frames.filters(mel.device), _shares(frames).to(mel.device)
    for _ in range(rounds):
        spectrum = frames.spectrum(waves)
        there = (filters @ spectrum.abs()).clamp(min=FLOOR).log()
        waves = frames.waves(spectrum * (shares @ (mel - there).clamp(-MOST, MOST)).exp())
    return waves


@cache
def _shares(frames: Frames) -> Tensor:
    """float [F, M]: how much each band has to say of each frequency, 1 in all; those that no band
    hears are left as they are."""
    filters = frames.filters()
    return (filters / filters.sum(0).clamp(min=1e-9)).T.contiguous()
