"""Damped modes as sound: sums of complex exponentials, a block of samples as one product.

x[n] = Re sum_p a_p exp(s_p n), with n = b K + k, is exp(s_p b K) times exp(s_p k): two small tables
and a matrix product in place of a sine for every sample. Knows no instrument.
Shape legend: B notes, P modes of a note, N samples, K samples of a block.
"""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 256
TOGETHER = 1 << 21  # samples of notes that are made at once


def ring(exponents: Tensor, amplitudes: Tensor, samples: int) -> Tensor:
    """float32 [B, N]: exponents and amplitudes complex128 [B, P], per sample."""
    blocks = -(-samples // BLOCK)
    starts = torch.exp(exponents[:, None, :] * (BLOCK * torch.arange(blocks))[None, :, None])
    starts = starts * amplitudes[:, None, :]
    within = torch.exp(exponents[:, :, None] * torch.arange(BLOCK))
    left = torch.cat((starts.real, -starts.imag), 2).float()  # [B, blocks, 2P]
    right = torch.cat((within.real, within.imag), 1).float()  # [B, 2P, K]
    return (left @ right).flatten(1)[:, :samples]


def ring_plainly(exponents: Tensor, amplitudes: Tensor, samples: int) -> Tensor:
    """The same, a sine for every sample and mode: the slow, obvious version. float64 [B, N]."""
    n = torch.arange(samples)
    return (amplitudes[..., None] * torch.exp(exponents[..., None] * n)).sum(1).real


def partials(
    frequency: Tensor, decay: Tensor, amplitude: Tensor, phase: Tensor, rate: int
) -> tuple[Tensor, Tensor]:
    """(exponents, amplitudes) of sines: frequency in Hz, decay in seconds to 1/e, phase in radians,
    all float64 [B, P]. Those near the highest frequency that the rate can hold are left out."""
    there = frequency < 0.45 * rate
    exponents = torch.complex(-1 / (decay * rate), 2 * torch.pi * frequency / rate)
    strength = torch.where(there, amplitude, 0.0)
    return exponents, torch.polar(strength, phase - torch.pi / 2)
