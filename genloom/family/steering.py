"""Directions in the latent space of a generator, found in its weights: no data, no training.

A step along a leading eigenvector of A^T A, where A holds every row that the latent is multiplied
with, changes what the generator sees most (Shen & Zhou 2021, SeFa, eq. 5). Knows matrices only.
Shape legend: B items, N rows of weights, Z latent width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from genloom.errors import RequestError


def factorised(generator: Any) -> tuple[Tensor, Tensor]:
    """Directions [Z, Z] of length 1, the strongest first, and how much of the whole change each
    makes, [Z]. The largest number of each is positive, so that signs do not flicker."""
    rows = generator.entrances().detach().double().cpu()
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    found = one_sign(vectors.T.flip(0))
    strength = values.flip(0).clamp(min=0)
    return found.float(), (strength / strength.sum().clamp(min=1e-12)).float()


def one_sign(directions: Tensor) -> Tensor:
    """[N, Z], each turned so that its largest number is positive."""
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    return torch.where(largest < 0, -directions, directions)


def steered(z: Tensor, generator: Any, amounts: Mapping[int, float] | None) -> Tensor:
    """z [B, Z] moved along the generator's directions, counted from 1, by so many deviations."""
    if not amounts:
        return z
    found, _ = factorised(generator)
    for number, amount in amounts.items():
        if not 1 <= number <= len(found):
            raise RequestError(
                f"directions names number {number}, but this model has 1 to {len(found)}"
            )
        z = z + amount * found[number - 1].to(z)
    return z
