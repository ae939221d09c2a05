"""Finite scalar quantisation: each latent channel on a few levels, and all of a place as one id.

Mentzer et al. 2023, "Finite Scalar Quantization: VQ-VAE Made Simple", section 3. Nothing is learnt
and no code can die. Knows numbers and ids, not what they stand for.
Shape legend: ... any dimensions, C channels, one for each number of levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, prod

import torch
from torch import Tensor

NEARLY = 1e-3  # how far the bound lies beyond the outermost levels


@dataclass(frozen=True)
class FiniteScalar:
    """Numbers [..., C] to the nearest of so many levels in each channel, within [-1, 1], to ids."""

    levels: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.levels or any(not 2 <= n <= 256 for n in self.levels):
            raise ValueError(f"levels are {[*self.levels]}: numbers of 2 to 256 are expected")
        if self.size > 1 << 16:
            raise ValueError(f"levels {[*self.levels]} make {self.size:,} codes: 65,536 at most")

    @property
    def size(self) -> int:
        """How many codes there are."""
        return prod(self.levels)

    def quantise(self, z: Tensor) -> Tensor:
        """Any numbers to the nearest levels; gradients pass as if nothing had been rounded (eq. 1).

        The bound is moved by half a step where the levels are even, so that none lies at 0.
        """
        even = [0.5 if n % 2 == 0 else 0.0 for n in self.levels]
        reach = [(n - 1) * (1 + NEARLY) / 2 for n in self.levels]
        shift = [atanh(e / r) for e, r in zip(even, reach, strict=True)]
        inner = (z.float() + _row(shift, z)).tanh()
        bounded = inner * _row(reach, z) - _row(even, z)
        return (bounded + (bounded.round() - bounded).detach()) / self._halves(z)

    def ids(self, levels: Tensor) -> Tensor:
        """Levels [..., C] -> long [...]; what lies between two is taken to the nearest."""
        halves, last = self._halves(levels), _row([n - 1.0 for n in self.levels], levels)
        place = (levels.float() * halves).round() + halves
        place = torch.minimum(place.clamp(min=0), last)
        steps = [prod(self.levels[:n]) for n in range(len(self.levels))]
        return (place.long() * _row(steps, levels).long()).sum(-1)

    def values(self, ids: Tensor) -> Tensor:
        """long [...] -> levels float [..., C]; the inverse of `ids`."""
        steps = [prod(self.levels[:n]) for n in range(len(self.levels))]
        parts = ids[..., None].div(_row(steps, ids).long(), rounding_mode="floor")
        halves = self._halves(ids)
        return (parts % _row(self.levels, ids).long() - halves) / halves

    def _halves(self, like: Tensor) -> Tensor:
        return _row([n // 2 for n in self.levels], like)


def _row(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float, device=like.device)
