"""Triangles paired with the whole places in their boxes, some at a time, whatever there are in all.

What measures distances, casts rays and draws pictures asks of each pair. Knows boxes, no surface.
Shape legend: F triangles, A axes, N pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

PAIRS = 1 << 20  # at once


def boxed(low: Tensor, high: Tensor, sides: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """low, high: long [F, A], the first and last place of each box, cut to 0 .. sides - 1. Yields
    rows long [N] and places long [N, A]."""
    low = low.clamp(min=0)
    high = torch.minimum(high, torch.tensor([*sides]) - 1)
    reach = (high - low + 1).clamp(min=0)
    count = reach.prod(1)
    kept = count.nonzero()[:, 0]
    total = count[kept].cumsum(0)
    start, done = 0, 0
    while start < len(kept):
        stop = int(torch.searchsorted(total, done + PAIRS, right=True))
        stop = max(start + 1, stop)
        some = kept[start:stop]
        rows = some.repeat_interleave(count[some])
        ahead = count[some].cumsum(0) - count[some]
        number = torch.arange(len(rows)) - ahead.repeat_interleave(count[some])
        places = []
        for axis in range(len(sides)):
            places.append(low[rows, axis] + number % reach[rows, axis])
            number = number // reach[rows, axis]
        yield rows, torch.stack(places, 1)
        start, done = stop, int(total[stop - 1])


def turn(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Twice the signed area of triangles in the plane, [N, 2] each."""
    ab, ac = b - a, c - a
    return ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
