"""Meshes with fewer triangles: corners in one cell of a grid become one (Rossignac & Borrel 1993).

Each cell's corner lies where the planes of its triangles meet as nearly as can be (Lindstrom 2000),
so that edges and corners of things stay sharp. Any number of triangles, in one pass. Knows meshes.
Shape legend: V corners, F triangles, C cells.
"""

from __future__ import annotations

import math

import numpy as np

from genloom.errors import DataError
from genloom.shape.mesh import Mesh, kept

CHUNK = 1 << 20  # triangles at once
FIRM = 1e-3  # how strongly a corner is drawn to the middle of its cell's corners


def simplified(mesh: Mesh, target: int) -> Mesh:
    """At most `target` triangles, as near to it as a whole number of cells gives."""
    if target < 4:
        raise DataError(f"{target} triangles close no surface: ask for 4 or more")
    if len(mesh.faces) <= target:
        return mesh
    low, high = 1, math.isqrt(target) + 2  # cells along the longest side: a cube's six sides hold
    best = None  # twelve triangles for each
    while low <= high:
        middle = (low + high) // 2
        found = clustered(mesh, middle)
        if 0 < len(found.faces) <= target:
            best, low = found, middle + 1
        else:
            low, high = (middle + 1, high) if not len(found.faces) else (low, middle - 1)
    if best is None:
        raise DataError(f"{target} triangles are too few for this mesh: ask for more")
    return best


def _cells(mesh: Mesh, side: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The number of each corner's cell, int64 [V]; the lowest corner; metres of a cell."""
    low, high = mesh.bounds
    size = float((high - low).max()) / side * (1 + 1e-6)
    place = ((mesh.vertices - low) / size).astype(np.int64)
    return (place[:, 2] * (side + 1) + place[:, 1]) * (side + 1) + place[:, 0], low, size


def _apart(cells: np.ndarray) -> np.ndarray:
    """Which triangles [F, 3] have three cells, bool [F]."""
    a, b, c = cells.T
    return (a != b) & (b != c) & (a != c)


def clustered(mesh: Mesh, side: int) -> Mesh:
    """side: cells along the longest side."""
    cells, _, size = _cells(mesh, side)
    _, number = np.unique(cells, return_inverse=True)
    many = int(number.max()) + 1
    counts = np.bincount(number, minlength=many)[:, None]
    middle = (
        np.stack([np.bincount(number, mesh.vertices[:, n], many) for n in range(3)], 1) / counts
    )
    places = _sharp(mesh, number, middle, size)
    colours = None
    if mesh.colours is not None:
        sums = [np.bincount(number, mesh.colours[:, n], many) for n in range(3)]
        colours = np.rint(np.stack(sums, 1) / counts).astype(np.uint8)
    faces = number[mesh.faces]
    faces = faces[_apart(faces)]
    _, once = np.unique(np.sort(faces, 1), axis=0, return_index=True)
    faces = faces[np.sort(once)]
    return kept(Mesh(places.astype(np.float32), faces, colours, mesh.caption), faces)


def _sharp(mesh: Mesh, number: np.ndarray, middle: np.ndarray, size: float) -> np.ndarray:
    """float64 [C, 3]: least squares of the distances to the planes of each cell's triangles, kept
    within half a cell of the middle."""
    many = len(middle)
    matrix, right = np.zeros((many, 9)), np.zeros((many, 3))
    for start in range(0, len(mesh.faces), CHUNK):
        faces = mesh.faces[start : start + CHUNK]
        some = Mesh(mesh.vertices, faces)
        crosses = some.crosses()
        area = np.linalg.norm(crosses, axis=1, keepdims=True)
        normal = crosses / np.maximum(area, 1e-30)
        outer = (normal[:, :, None] * normal[:, None]).reshape(-1, 9) * area
        for n in range(3):
            cell = number[faces[:, n]]
            over = ((mesh.vertices[faces[:, n]] - middle[cell]) * normal).sum(1, keepdims=True)
            pull = normal * over * area
            for k in range(9):
                matrix[:, k] += np.bincount(cell, outer[:, k], many)
            for k in range(3):
                right[:, k] += np.bincount(cell, pull[:, k], many)
    square = matrix.reshape(many, 3, 3)
    firm = FIRM * np.maximum(np.trace(square, axis1=1, axis2=2), 1e-30)
    step = np.linalg.solve(square + firm[:, None, None] * np.eye(3), right[..., None])[..., 0]
    return middle + np.clip(step, -size / 2, size / 2)
