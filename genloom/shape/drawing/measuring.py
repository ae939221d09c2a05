"""Sizes measured on meshes of the drawn families, as the sizes that they were drawn from.

Only the mesh is looked at, never what it was asked to be. Knows meshes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from genloom.shape.drawing.cars import COLOURS, GLASS, RUBBER
from genloom.shape.mesh import Mesh

TREAD = 0.10  # metres above the ground within which only wheels are
FLAT = 0.9  # cosine to upright of what one can sit on
LEVEL = 0.04  # metres; surfaces within belong to one level
TOP = 0.85  # of the height; a seat is below


def length(mesh: Mesh) -> float:
    return float(mesh.extent[0])


def height(mesh: Mesh) -> float:
    return float(mesh.extent[1])


def depth(mesh: Mesh) -> float:
    return float(mesh.extent[2])


def wheel_base(mesh: Mesh) -> float:
    """From the middle of what touches the ground in front to that behind."""
    low, high = mesh.bounds
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    near, middle = y < low[1] + TREAD, (low[0] + high[0]) / 2
    ends = []
    for side in (near & (x > middle), near & (x <= middle)):
        if not side.any():
            return 0.0
        ends.append(np.quantile(x[side], (0.02, 0.98)).mean())
    return float(ends[0] - ends[1])


def seat_height(mesh: Mesh) -> float:
    """Of the level below the top with most area that faces up."""
    crosses = mesh.crosses()
    area = np.linalg.norm(crosses, axis=1)
    low, high = mesh.bounds
    middle = mesh.corners().mean(1)[:, 1] - low[1]
    up = (crosses[:, 1] > FLAT * area) & (middle < TOP * (high[1] - low[1]))
    if not up.any():
        return 0.0
    level = (middle[up] / LEVEL).astype(int)
    weight = np.bincount(level, area[up])
    best = int(np.argmax(weight + np.append(weight[1:], 0)))
    there = up & (np.abs(middle - (best + 1) * LEVEL) <= LEVEL)
    return float(np.average(middle[there], weights=area[there])) if there.any() else 0.0


Measure = Callable[[Mesh], float]
CARS: Mapping[str, Measure] = {
    "length": length,
    "wheel base": wheel_base,
    "width": depth,
    "height": height,
}
FURNITURE: Mapping[str, Measure] = {
    "width": length,
    "depth": depth,
    "height": height,
    "seat height": seat_height,
}


def paint(mesh: Mesh) -> str | None:
    """Which of the cars' colours has most of the surface, glass and rubber aside; None where
    there are no colours."""
    if mesh.colours is None or mesh.empty:
        return None
    names = [*COLOURS, None, None]
    palette = np.array([*COLOURS.values(), GLASS, RUBBER], np.float64)
    middle = mesh.colours[mesh.faces].astype(np.float64).mean(1)
    nearest = np.linalg.norm(middle[:, None] - palette, axis=2).argmin(1)
    area = np.bincount(nearest, np.linalg.norm(mesh.crosses(), axis=1), len(names))
    return names[int(area[: len(COLOURS)].argmax())]


UNMEASURED = frozenset({"wheel"})  # asked for, but no lattice is fine enough to tell


def measures_for(names: Collection[str]) -> Mapping[str, Measure] | None:
    """How these sizes are measured, None where they are of no drawn family."""
    wanted = set(names) - UNMEASURED
    for family in (CARS, FURNITURE):
        if wanted and wanted <= family.keys():
            return {name: family[name] for name in family if name in wanted}
    return None
