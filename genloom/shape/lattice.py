"""Where the numbers of a field lie in space: a regular lattice of cubic cells.

Knows places; not what is told of them.
Shape legend: D, H, W places along z, y and x; P = D H W.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MARGIN = 1.5  # cells that are left free around what a lattice is laid for


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """grid: (D, H, W). origin: x, y, z of the first place, metres. cell: metres between places."""

    grid: tuple[int, int, int]
    origin: tuple[float, float, float]
    cell: float

    def points(self) -> Tensor:
        """float [P, 3]: x, y, z of each place, x fastest."""
        sides = [
            start + self.cell * torch.arange(n, dtype=torch.float32)
            for start, n in zip(self.origin, reversed(self.grid), strict=True)
        ]
        x, y, z = sides
        places = torch.meshgrid(z, y, x, indexing="ij")
        return torch.stack(places[::-1], -1).reshape(-1, 3)

    def finer(self, times: int) -> Lattice:
        """The same stretch with `times` as many steps from place to place."""
        depth, height, width = ((n - 1) * times + 1 for n in self.grid)
        grid = (depth, height, width)
        return Lattice(grid=grid, origin=self.origin, cell=self.cell / times)


def around(low: np.ndarray, high: np.ndarray, grid: tuple[int, int, int]) -> Lattice:
    """The finest lattice that holds the box from low to high [3] (x, y, z) in its middle with a
    margin."""
    counts = np.array(grid[::-1], np.float64)
    reach = np.maximum(np.asarray(high, np.float64) - low, 1e-9)
    cell = float((reach / np.maximum(counts - 1 - 2 * MARGIN, 1)).max())
    middle = (np.asarray(high, np.float64) + low) / 2
    x, y, z = (float(v) for v in middle - cell * (counts - 1) / 2)
    return Lattice(grid=grid, origin=(x, y, z), cell=cell)
