"""Shapes as fields: the signed distance and the nearest colour at each place of a lattice.

Distances of meshes are exact within a band around the surface and cut off beyond; what is inside is
told by rays along the three axes, by majority, so that small holes and triangles that are turned
round do no harm (Nooruddin & Turk 2003). Knows shapes and lattices; no file and no net.
Shape legend: D, H, W places along z, y, x; P = D H W; F triangles; N pairs of a triangle and a
place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from genloom.shape.lattice import Lattice
from genloom.shape.mesh import Mesh
from genloom.shape.pairs import boxed, turn

CHUNK = 1 << 17  # places of which a form is asked at once
SKEW = (0.5137e-3, 0.4871e-3)  # of a cell: rays pass beside corners and edges


@dataclass(frozen=True, eq=False)
class Field:
    """distance: float [D, H, W], metres, negative inside; colours: float [3, D, H, W] from 0 to
    255, or None."""

    distance: Tensor
    colours: Tensor | None


class Solid(Protocol):
    """What can be asked how far places are from its surface, as closed forms can."""

    def near(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Signed distances [P] and colours [P, 3] at places [P, 3]."""
        ...


def field_of_form(form: Solid, lattice: Lattice) -> Field:
    """Of a closed form: the formulas themselves."""
    found = [form.near(some) for some in lattice.points().split(CHUNK)]
    distance, colours = (torch.cat(side) for side in zip(*found, strict=True))
    return Field(distance.reshape(lattice.grid), colours.T.reshape(3, *lattice.grid).contiguous())


def field_of_mesh(mesh: Mesh, lattice: Lattice, band: float) -> Field:
    """Of a mesh, closed or not: distances up to `band` metres, which is what lies further away."""
    nearest, owner = _distances(mesh, lattice, band)
    inside = _inside(mesh, lattice)
    sign = torch.where(inside.flatten(), -1.0, 1.0)
    distance = (sign * nearest).reshape(lattice.grid)
    if mesh.colours is None:
        return Field(distance, None)
    return Field(distance, _painted(mesh, owner, lattice))


# --- how far --------------------------------------------------------------------------------------


def _distances(mesh: Mesh, lattice: Lattice, band: float) -> tuple[Tensor, Tensor]:
    """float [P], at most `band`, and the nearest triangle's number, long [P], -1 where none is."""
    places = lattice.points()
    nearest = torch.full((len(places),), float(band))
    owner = torch.full((len(places),), -1, dtype=torch.long)
    corners = torch.from_numpy(np.ascontiguousarray(mesh.corners())).float()
    for rows, place in _near(corners, lattice, band):
        spots = (place[:, 2] * lattice.grid[1] + place[:, 1]) * lattice.grid[2] + place[:, 0]
        far = _to_triangles(places[spots], corners[rows])
        order = far.argsort(descending=True, stable=True)  # the nearest is written last
        rows, spots, far = rows[order], spots[order], far[order]
        better = far < nearest[spots]
        nearest.scatter_reduce_(0, spots[better], far[better], "amin")
        won = better & (far <= nearest[spots])
        owner[spots[won]] = rows[won]
    return nearest, owner


def _near(corners: Tensor, lattice: Lattice, band: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Triangles with the places in their boxes, widened by the band."""
    flat, wide = (corners - torch.tensor(lattice.origin)) / lattice.cell, band / lattice.cell
    low = (flat.amin(1) - wide).ceil().long()
    high = (flat.amax(1) + wide).floor().long()
    return boxed(low, high, lattice.grid[::-1])


def _to_triangles(points: Tensor, corners: Tensor) -> Tensor:
    """float [N]: how far each point [N, 3] is from its triangle [N, 3, 3]."""
    a, b, c = corners.unbind(1)
    best = torch.stack([_to_segment(points, *ends) for ends in ((a, b), (b, c), (c, a))]).amin(0)
    normal = torch.linalg.cross(b - a, c - a)
    length = normal.square().sum(1)
    over = torch.ones(len(points), dtype=torch.bool)
    for start, end in ((a, b), (b, c), (c, a)):
        over &= (torch.linalg.cross(end - start, points - start) * normal).sum(1) >= 0
    high = ((points - a) * normal).sum(1).square() / length.clamp(min=1e-24)
    return torch.where(over & (length > 1e-24), high, best).sqrt()


def _to_segment(points: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """float [N], squared."""
    edge, to = b - a, points - a
    along = (to * edge).sum(1) / edge.square().sum(1).clamp(min=1e-24)
    return (to - along.clamp(0, 1)[:, None] * edge).square().sum(1)


# --- which side -----------------------------------------------------------------------------------


def _inside(mesh: Mesh, lattice: Lattice) -> Tensor:
    """bool [D, H, W]: where two of three rays, one along each axis, say so."""
    votes = torch.zeros(lattice.grid, dtype=torch.int8)
    for axis in range(3):
        votes += _crossed(mesh, lattice, axis).to(torch.int8)
    return votes >= 2


def _crossed(mesh: Mesh, lattice: Lattice, axis: int) -> Tensor:
    """bool [D, H, W]: whether a ray that comes along x, y or z has walked into the solid: turned
    triangles count as they lie, so that parts that overlap are one."""
    u, v = [n for n in range(3) if n != axis]
    counts = lattice.grid[::-1]
    origin = np.array(lattice.origin)
    corners = (mesh.corners().astype(np.float64) - origin) / lattice.cell
    flat = torch.from_numpy(corners[..., [u, v]]) - torch.tensor(SKEW, dtype=torch.float64)
    along = torch.from_numpy(corners[..., axis])
    hits = torch.zeros(counts[u] * counts[v], counts[axis] + 1, dtype=torch.int32)
    low, high = flat.amin(1).ceil().long(), flat.amax(1).floor().long()
    for rows, ray in boxed(low, high, (counts[u], counts[v])):
        iu, iv = ray.T
        a, b, c = flat[rows].unbind(1)
        p = torch.stack((iu, iv), 1).double()
        whole = turn(a, b, c)
        share = torch.stack((turn(b, c, p), turn(c, a, p), turn(a, b, p)), 1)
        hit = ((share * whole.sign()[:, None]) >= 0).all(1) & (whole != 0)
        rows, share, whole = rows[hit], share[hit], whole[hit]
        at = (share / whole[:, None] * along[rows]).sum(1)
        place = at.ceil().clamp(0, counts[axis]).long()
        column = (iu * counts[v] + iv)[hit]
        hits.index_put_((column, place), whole.sign().int(), accumulate=True)
    inside = hits.cumsum(1)[:, :-1] != 0
    return inside.reshape(counts[u], counts[v], counts[axis]).permute(
        *((u, v, axis).index(n) for n in (2, 1, 0))
    )


# --- colours --------------------------------------------------------------------------------------


def _painted(mesh: Mesh, owner: Tensor, lattice: Lattice) -> Tensor:
    """float [3, D, H, W]: of the nearest triangle; beyond the band that of places nearer to it."""
    colours = torch.from_numpy(mesh.painted()[mesh.faces].astype(np.float32)).mean(1)
    known = owner >= 0
    out = torch.zeros(len(owner), 3)
    out[known] = colours[owner[known]]
    field = torch.cat((out, known[:, None].float()), 1).T.reshape(1, 4, *lattice.grid)
    for _ in range(max(lattice.grid)):
        there = field[:, 3:] > 0
        if bool(there.all()) or not bool(there.any()):
            break
        mean = torch.nn.functional.avg_pool3d(field, 3, 1, 1)
        spread = torch.cat(
            (mean[:, :3] / mean[:, 3:].clamp(min=1e-6), (mean[:, 3:] > 0).float()), 1
        )
        field = torch.where(there, field, spread)
    return field[0, :3]
