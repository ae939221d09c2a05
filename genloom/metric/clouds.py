"""Sets of shapes compared as sets of clouds of points: coverage and nearest neighbours by Chamfer
distance (Yang et al. 2019, section 5.1). Knows points.

Shape legend: N, M clouds, P points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 1 << 25  # distances at once


def chamfer(a: Tensor, b: Tensor) -> Tensor:
    """float [N, M]: between each cloud of a [N, P, 3] and of b [M, P, 3], the mean squared distance
    to the nearest point, both ways."""
    many = max(1, CHUNK // (a.shape[1] * b.shape[1]))
    rows = []
    for one in a:
        found = []
        for some in b.split(many):
            far = torch.cdist(one[None], some).square()
            found.append(far.amin(2).mean(1) + far.amin(1).mean(1))
        rows.append(torch.cat(found))
    return torch.stack(rows)


@dataclass(frozen=True)
class Likeness:
    """coverage: share of the real clouds that are nearest to some made one. accuracy: how often a
    cloud's nearest neighbour is of its own side, 0.5 where the sides cannot be told apart."""

    coverage: float
    accuracy: float


def likeness(real: Tensor, made: Tensor) -> Likeness:
    """Of equally many clouds of each side, [N, P, 3]."""
    across, within = chamfer(real, made), [chamfer(side, side) for side in (real, made)]
    covered = across.argmin(0).unique()
    blank = torch.eye(len(real)).bool()
    own = torch.cat([w.masked_fill(blank, float("inf")).amin(1) for w in within])
    other = torch.cat((across.amin(1), across.amin(0)))
    return Likeness(len(covered) / len(real), float((own < other).float().mean()))


def grouped(
    real: Sequence[Tensor], made: Sequence[Tensor], kinds: Sequence[str], least: int
) -> dict[str, Likeness]:
    """By kind of the real ones, which the made ones were asked for in the same order; kinds with
    fewer than `least` are left out."""
    out = {}
    for kind in sorted(set(kinds)):
        rows = [n for n, one in enumerate(kinds) if one == kind]
        if len(rows) >= least:
            sides = [torch.stack([side[n] for n in rows]) for side in (real, made)]
            out[kind] = likeness(*sides)
    return out
