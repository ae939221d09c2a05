"""A mesh: corners, triangles, and a colour at each corner; what follows from these alone.

Units are metres and y points up, as in glTF. Knows arrays; no file and no field of numbers.
Shape legend: V corners, F triangles, E edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genloom.errors import DataError

GREY = (178, 178, 184)  # of what has no colour


@dataclass(frozen=True, eq=False)
class Mesh:
    """vertices float32 [V, 3]; faces int64 [F, 3], anticlockwise as seen from outside; colours
    uint8 [V, 3] or None. caption: what it is."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None = None
    caption: str | None = None

    @property
    def empty(self) -> bool:
        return not len(self.faces)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest coordinates of the corners that triangles use, [3] each."""
        if self.empty:
            raise DataError("a mesh without triangles has no size")
        used = self.vertices[np.unique(self.faces)]
        return used.min(0), used.max(0)

    @property
    def extent(self) -> np.ndarray:
        """float [3]: how far it reaches along x, y and z."""
        low, high = self.bounds
        return high - low

    def corners(self) -> np.ndarray:
        """float32 [F, 3, 3], the corners of each triangle."""
        return self.vertices[self.faces]

    def crosses(self) -> np.ndarray:
        """float64 [F, 3]: normals of the triangles, twice their areas long."""
        a, b, c = (self.vertices[self.faces[:, n]].astype(np.float64) for n in range(3))
        return np.cross(b - a, c - a)

    @property
    def area(self) -> float:
        return float(np.linalg.norm(self.crosses(), axis=1).sum() / 2)

    @property
    def volume(self) -> float:
        """Signed: negative where triangles face inwards. Means something of closed meshes only."""
        a, b, c = (self.vertices[self.faces[:, n]].astype(np.float64) for n in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    def painted(self) -> np.ndarray:
        """uint8 [V, 3], grey where there is no colour."""
        if self.colours is not None:
            return self.colours
        return np.broadcast_to(np.array(GREY, np.uint8), (len(self.vertices), 3))


def checked(mesh: Mesh, name: str) -> Mesh:
    """The mesh. DataError where it is none: no triangles, corners that are not there or no
    numbers."""
    if mesh.empty:
        raise DataError(f"{name} has no triangles: give a mesh with faces")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise DataError(
            f"{name}: triangles name corners up to {int(mesh.faces.max()):,} of "
            f"{len(mesh.vertices):,}: the file is damaged"
        )
    if not np.isfinite(mesh.vertices[mesh.faces]).all():
        bad = int((~np.isfinite(mesh.vertices).all(1)).sum())
        raise DataError(f"{name}: {bad:,} corners are no finite numbers: export it again")
    if not float(mesh.extent.max()) > 0:
        raise DataError(f"{name}: all corners are at one place, it has no size")
    return mesh


def edges(faces: np.ndarray) -> np.ndarray:
    """int64 [3 F, 2], directed: each triangle's edges in its own turn."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def edge_keys(pairs: np.ndarray) -> np.ndarray:
    """int64 [E]: one number for each edge, whichever way it is walked."""
    low, high = pairs.min(1), pairs.max(1)
    return low * (int(pairs.max(initial=0)) + 1) + high


@dataclass(frozen=True)
class Closedness:
    """open_edges: with a triangle on one side only; crowded: with more than two; turned: walked
    the same way by both of their triangles, so that one faces inwards."""

    open_edges: int
    crowded: int
    turned: int

    @property
    def watertight(self) -> bool:
        return not (self.open_edges or self.crowded or self.turned)


def closedness(mesh: Mesh) -> Closedness:
    """How its edges are shared. Of a watertight mesh each by two triangles, walked both ways."""
    if mesh.empty:
        return Closedness(1, 0, 0)
    pairs = edges(mesh.faces)
    _, inverse, counts = np.unique(edge_keys(pairs), return_inverse=True, return_counts=True)
    forward = np.bincount(inverse, pairs[:, 0] < pairs[:, 1], len(counts))
    pair = counts == 2
    return Closedness(
        open_edges=int((counts == 1).sum()),
        crowded=int((counts > 2).sum()),
        turned=int((pair & (forward != 1)).sum()),
    )


def watertight(mesh: Mesh) -> bool:
    """Whether every edge has two triangles that agree on what is outside."""
    return closedness(mesh).watertight


def parts(mesh: Mesh) -> np.ndarray:
    """int64 [F]: the number of the connected part that each triangle belongs to, 0 the one with
    most triangles. Labels are spread along edges, and jump (Shiloach & Vishkin 1982)."""
    label = np.arange(len(mesh.vertices))
    pairs = edges(mesh.faces)
    while True:
        low = np.minimum(label[pairs[:, 0]], label[pairs[:, 1]])
        new = label.copy()
        np.minimum.at(new, pairs[:, 0], low)
        np.minimum.at(new, pairs[:, 1], low)
        np.minimum.at(new, label[pairs[:, 0]], low)
        np.minimum.at(new, label[pairs[:, 1]], low)
        new = new[new]
        if np.array_equal(new, label):
            break
        label = new
    _, number, counts = np.unique(label[mesh.faces[:, 0]], return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return rank[number]


def kept(mesh: Mesh, faces: np.ndarray) -> Mesh:
    """The mesh with these triangles only, int64 [F, 3], without the corners that none uses."""
    used, inverse = np.unique(faces, return_inverse=True)
    return Mesh(
        vertices=mesh.vertices[used],
        faces=inverse.reshape(-1, 3).astype(np.int64),
        colours=None if mesh.colours is None else mesh.colours[used],
        caption=mesh.caption,
    )


def joined(meshes: list[Mesh], caption: str | None = None) -> Mesh:
    """Several as one; coloured where any of them is."""
    if not meshes:
        raise DataError("no meshes to join: give at least one")
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    coloured = any(m.colours is not None for m in meshes)
    return Mesh(
        vertices=np.concatenate([m.vertices for m in meshes]),
        faces=np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=True)]),
        colours=np.concatenate([m.painted() for m in meshes]) if coloured else None,
        caption=caption,
    )
