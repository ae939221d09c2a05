"""How far two clouds of points are apart. Knows points.

Shape legend: N, M points, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(a: Tensor, b: Tensor) -> float:
    """The root of 2 E|x - y| - E|x - x'| - E|y - y'| for x of a [N, F] and y of b [M, F], without
    bias (Szekely & Rizzo 2013); 0 for clouds of one distribution."""

    def within(x: Tensor) -> Tensor:
        return torch.cdist(x, x).sum() / max(len(x) * (len(x) - 1), 1)

    found = 2 * torch.cdist(a, b).mean() - within(a) - within(b)
    return float(found.clamp(min=0).sqrt())
