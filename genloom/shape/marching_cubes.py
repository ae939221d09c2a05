"""The surface where a field of numbers is zero, as triangles (Lorensen & Cline 1987), on tensors.

What lies beyond the field is outside, so that the surface is always closed. Knows fields and
lattices; not what they mean.
Shape legend: D, H, W places along z, y, x; V corners; F triangles.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.shape.lattice import Lattice
from genloom.shape.marching_tables import EDGES, table
from genloom.shape.mesh import Mesh

LEAST = 1e-4  # of an edge: a corner keeps off the edge's ends, so that triangles have an area


def surface(values: Tensor, level: float = 0.0) -> tuple[Tensor, Tensor]:
    """Corners float [V, 3] as x, y, z in places of the field, and triangles long [F, 3].

    values: float [D, H, W]; below `level` is inside. Normals point outwards.
    """
    field = F.pad(values.float() - level, (1,) * 6, value=_beyond(values, level))
    inside = field < 0
    corners, numbers = [], []
    for axis in (2, 1, 0):
        found, number = _crossings(field, inside, axis, sum(map(len, corners)))
        corners.append(found)
        numbers.append(number)
    faces = _faces(inside, numbers)
    return torch.cat(corners) - 1, faces


def _beyond(values: Tensor, level: float) -> float:
    """A number that is outside, about as far as the field's own."""
    return max(float((values.float() - level).abs().max()), 1e-6) if values.numel() else 1.0


def _crossings(field: Tensor, inside: Tensor, axis: int, first: int) -> tuple[Tensor, Tensor]:
    """Where the surface crosses edges along an axis, float [N, 3] as x, y, z; and the number of
    each edge's corner, long like the field, from `first` on."""
    many = field.shape[axis] - 1
    here, there = field.narrow(axis, 0, many), field.narrow(axis, 1, many)
    cross = inside.narrow(axis, 0, many) != inside.narrow(axis, 1, many)
    place = cross.nonzero()
    a, b = here[cross], there[cross]
    at = place.float()
    at[:, axis] += (a / (a - b)).clamp(LEAST, 1 - LEAST)
    number = torch.full(field.shape, -1, dtype=torch.long)
    number.narrow(axis, 0, many)[cross] = torch.arange(first, first + len(place))
    return at.flip(1), number


def _faces(inside: Tensor, numbers: list[Tensor]) -> Tensor:
    """long [F, 3], the numbers of the corners. numbers: of edges along x, y and z."""
    sides = tuple(n - 1 for n in inside.shape)
    code = torch.zeros(sides, dtype=torch.long)
    for corner in range(8):
        code |= _corner(inside, corner, sides).long() << corner
    busy = ((code > 0) & (code < 255)).nonzero()
    code = code[tuple(busy.T)]
    mine = torch.empty(len(busy), len(EDGES), dtype=torch.long)
    for edge, (low, _) in enumerate(EDGES):
        z, y, x = (busy + torch.tensor([low >> 2 & 1, low >> 1 & 1, low & 1])).T
        mine[:, edge] = numbers[edge // 4][z, y, x]
    rows, counts = table()
    count = counts[code]
    cube = torch.arange(len(code)).repeat_interleave(count)
    which = torch.arange(len(cube)) - (count.cumsum(0) - count).repeat_interleave(count)
    return mine[cube[:, None], rows[code[cube], which]]


def _corner(inside: Tensor, corner: int, sides: tuple[int, ...]) -> Tensor:
    z, y, x = corner >> 2 & 1, corner >> 1 & 1, corner & 1
    return inside[z : z + sides[0], y : y + sides[1], x : x + sides[2]]


def mesh_of(
    values: Tensor, lattice: Lattice, colours: Tensor | None = None, caption: str | None = None
) -> Mesh:
    """The surface in space. values float [D, H, W]; colours float [3, D, H, W] from 0 to 255."""
    corners, faces = surface(values)
    places = corners.double() * lattice.cell + torch.tensor(lattice.origin, dtype=torch.float64)
    painted = None if colours is None else _seen(colours, corners)
    return Mesh(
        vertices=places.float().numpy(), faces=faces.numpy(), colours=painted, caption=caption
    )


def _seen(colours: Tensor, corners: Tensor) -> np.ndarray:
    """uint8 [V, 3]: the colour at each corner, between those of the places around it."""
    if not len(corners):
        return np.zeros((0, 3), np.uint8)
    last = torch.tensor([n - 1 for n in reversed(colours.shape[1:])]).clamp(min=1)
    at = (2 * corners / last - 1)[None, None, None]
    found = F.grid_sample(colours[None].float(), at, padding_mode="border", align_corners=True)
    return found[0, :, 0, 0].T.round().clamp(0, 255).byte().numpy()


def refined(values: Tensor, times: int) -> Tensor:
    """The field with `times` as many steps from place to place: float [C, D, H, W] likewise, by
    cubic splines through neighbours along each axis in turn (Catmull & Rom 1974)."""
    for axis in (1, 2, 3):
        values = _refined(values.movedim(axis, -1), times).movedim(-1, axis)
    return values


def _refined(rows: Tensor, times: int) -> Tensor:
    """[..., N] to [..., (N - 1) times + 1]."""
    p = torch.cat((rows[..., :1], rows, rows[..., -1:]), -1)
    a, b, c, d = p[..., :-3], p[..., 1:-2], p[..., 2:-1], p[..., 3:]
    t = torch.arange(times, dtype=rows.dtype) / times
    a, b, c, d = (x[..., None] for x in (a, b, c, d))
    slope, bend, twist = (c - a) / 2, a - 2.5 * b + 2 * c - d / 2, (d - a) / 2 + 1.5 * (b - c)
    between = (b + t * (slope + t * (bend + t * twist))).flatten(-2)
    return torch.cat((between, rows[..., -1:]), -1)
