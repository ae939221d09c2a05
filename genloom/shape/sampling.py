"""Points spread evenly over the surface of a mesh. Knows meshes.

Shape legend: P points, F triangles.
"""

from __future__ import annotations

import numpy as np

from genloom.errors import DataError
from genloom.shape.mesh import Mesh


def sampled(mesh: Mesh, count: int, seed: int = 0) -> np.ndarray:
    """float32 [P, 3]: triangles drawn by their areas, a point of each with equal chances (Osada et
    al. 2002, eq. 1); the same seed draws the same points."""
    area = np.linalg.norm(mesh.crosses(), axis=1)
    if not len(area) or not area.sum() > 0:
        raise DataError("a mesh without an area has no points on it")
    rng = np.random.default_rng(seed)
    row = rng.choice(len(area), count, p=area / area.sum())
    a, b = np.sqrt(rng.random(count))[:, None], rng.random(count)[:, None]
    one, two, three = mesh.corners()[row].astype(np.float64).swapaxes(0, 1)
    return ((1 - a) * one + a * (1 - b) * two + a * b * three).astype(np.float32)


def normalised(points: np.ndarray) -> np.ndarray:
    """The same within a cube of side 2 about the origin, its longest side filled."""
    low, high = points.min(0), points.max(0)
    return (points - (low + high) / 2) / max(float((high - low).max()) / 2, 1e-9)
