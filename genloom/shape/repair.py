"""Meshes made whole: corners joined, triangles turned the same way, holes closed.

Where a mesh cannot be closed by its own edges, `remade` makes it again from its field, which always
is. Knows meshes. Shape legend: V corners, F triangles, E edges.
"""

from __future__ import annotations

import numpy as np

from genloom.shape.fields import field_of_mesh
from genloom.shape.lattice import around
from genloom.shape.marching_cubes import mesh_of
from genloom.shape.mesh import Mesh, edge_keys, edges, kept, parts, watertight

LARGEST_HOLE = 512  # edges around a hole that is closed


def welded(mesh: Mesh, near: float = 0.0) -> Mesh:
    """Corners at one place become one; so do those in one cell of `near` metres, where above 0.
    Triangles without an area and repeated ones go."""
    places = mesh.vertices if not near else np.rint(mesh.vertices / near)
    order = np.ascontiguousarray(places + 0.0)  # -0 is 0
    _, first, inverse = np.unique(
        order.view(np.dtype((np.void, order.dtype.itemsize * 3))).reshape(-1),
        return_index=True,
        return_inverse=True,
    )
    faces = inverse[mesh.faces]
    same = (
        (faces[:, 0] == faces[:, 1]) | (faces[:, 1] == faces[:, 2]) | (faces[:, 0] == faces[:, 2])
    )
    faces = faces[~same]
    if len(faces):
        _, once = np.unique(np.sort(faces, 1), axis=0, return_index=True)
        faces = faces[np.sort(once)]
    colours = None if mesh.colours is None else mesh.colours[first]
    return kept(Mesh(mesh.vertices[first], faces.astype(np.int64), colours, mesh.caption), faces)


def oriented(mesh: Mesh) -> Mesh:
    """Each part's triangles turned the same way, outwards: breadth first over edges that two
    triangles share."""
    faces = mesh.faces.copy()
    ours, theirs, same = _neighbours(faces)
    starts = np.searchsorted(ours, np.arange(len(faces) + 1))
    turned = np.full(len(faces), -1, np.int8)
    for first in range(len(faces)):
        if turned[first] >= 0:
            continue
        turned[first], front = 0, np.array([first])
        while len(front):
            rows = np.concatenate([np.arange(starts[f], starts[f + 1]) for f in front])
            new = turned[theirs[rows]] < 0
            rows = rows[new]
            turned[theirs[rows]] = turned[ours[rows]] ^ same[rows]
            front = np.unique(theirs[rows])
    faces[turned == 1] = faces[turned == 1][:, ::-1]
    return _outwards(Mesh(mesh.vertices, faces, mesh.colours, mesh.caption))


def _neighbours(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles, their neighbours over edges shared by two, and whether both walk the edge the same
    way: [2 E] each, by the first."""
    pairs = edges(faces)
    keys, owner = edge_keys(pairs), np.tile(np.arange(len(faces)), 3)
    order = np.argsort(keys, kind="stable")
    keys, owner, forward = keys[order], owner[order], (pairs[:, 0] < pairs[:, 1])[order]
    _, start, counts = np.unique(keys, return_index=True, return_counts=True)
    a = start[counts == 2]
    same = (forward[a] == forward[a + 1]).astype(np.int8)
    ours = np.concatenate((owner[a], owner[a + 1]))
    theirs = np.concatenate((owner[a + 1], owner[a]))
    both = np.concatenate((same, same))
    by = np.argsort(ours, kind="stable")
    return ours[by], theirs[by], both[by]


def _outwards(mesh: Mesh) -> Mesh:
    """Parts with a volume below 0 turned over."""
    number, faces = parts(mesh), mesh.faces.copy()
    a, b, c = (mesh.vertices[faces[:, n]].astype(np.float64) for n in range(3))
    middle = mesh.vertices[faces[:, 0]].astype(np.float64).mean(0)
    each = np.einsum("ij,ij->i", a - middle, np.cross(b - middle, c - middle))
    inwards = np.bincount(number, each)[number] < 0
    faces[inwards] = faces[inwards][:, ::-1]
    return Mesh(mesh.vertices, faces, mesh.colours, mesh.caption)


def filled(mesh: Mesh, largest: int = LARGEST_HOLE) -> Mesh:
    """Holes with up to so many edges around them closed by a fan about their middle. The mesh has
    to be oriented."""
    loops = [loop for loop in _holes(mesh.faces) if len(loop) <= largest]
    if not loops:
        return mesh
    places, faces, colours = [mesh.vertices], [mesh.faces], [mesh.painted()]
    for loop in loops:
        middle = sum(map(len, places))
        places.append(mesh.vertices[loop].mean(0, keepdims=True))
        colours.append(mesh.painted()[loop].mean(0, keepdims=True).astype(np.uint8))
        after = np.roll(loop, -1)
        faces.append(np.stack((np.full(len(loop), middle), after, loop), 1))
    return Mesh(
        vertices=np.concatenate(places),
        faces=np.concatenate(faces),
        colours=None if mesh.colours is None else np.concatenate(colours),
        caption=mesh.caption,
    )


def _holes(faces: np.ndarray) -> list[np.ndarray]:
    """Corners around each hole, in the turn of the triangles beside it. Lines that meet at a corner
    are no loops and are left out."""
    pairs = edges(faces)
    _, inverse, counts = np.unique(edge_keys(pairs), return_inverse=True, return_counts=True)
    rim = pairs[counts[inverse] == 1]
    starts, many = np.unique(rim[:, 0], return_counts=True)
    if (many > 1).any():
        crossing = set(starts[many > 1].tolist())
        rim = np.array([p for p in rim.tolist() if not crossing & set(p)], np.int64).reshape(-1, 2)
    after = dict(rim.tolist())
    loops = []
    while after:
        first, here = after.popitem()
        loop = [first]
        while here != first and here in after:
            loop.append(here)
            here = after.pop(here)
        if here == first and len(loop) > 2:
            loops.append(np.array(loop))
    return loops


def repaired(mesh: Mesh) -> Mesh:
    """Welded, oriented, holes closed; the mesh's own corners stay where they are."""
    return filled(oriented(welded(mesh)))


def remade(mesh: Mesh, side: int = 64) -> Mesh:
    """The surface of its field on a lattice of `side` places along its longest side: always closed,
    as fine as the lattice."""
    low, high = mesh.bounds
    lattice = around(low, high, (side, side, side))
    field = field_of_mesh(mesh, lattice, 3 * lattice.cell)
    return mesh_of(field.distance, lattice, field.colours, mesh.caption)


def made_watertight(mesh: Mesh, side: int = 64) -> Mesh:
    """Repaired, and made again where that does not close it."""
    mended = repaired(mesh)
    return mended if watertight(mended) and mended.volume > 0 else remade(mesh, side)
