"""How a cube is cut: for each of the 256 ways in which corners lie inside, its triangles.

Derived, not listed: on every face of the cube the crossing lines are drawn (inside corners of an
ambiguous face are kept apart, which both cubes at the face agree on), lines are joined into loops,
and loops are cut into triangles, no cut lying in a face. So neighbours always fit, and no edge is
shared by more than two triangles. Knows cubes; no field.
Corners are numbered x + 2 y + 4 z.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

# The ends of each edge: four along x, four along y, four along z.
EDGES: tuple[tuple[int, int], ...] = (
    *((0, 1), (2, 3), (4, 5), (6, 7)),
    *((0, 2), (1, 3), (4, 6), (5, 7)),
    *((0, 4), (1, 5), (2, 6), (3, 7)),
)
# The corners of each face in turn, anticlockwise as seen from outside.
FACES: tuple[tuple[int, int, int, int], ...] = (
    *((0, 4, 6, 2), (1, 3, 7, 5)),
    *((0, 1, 5, 4), (2, 6, 7, 3)),
    *((0, 2, 3, 1), (4, 5, 7, 6)),
)
Triangle = tuple[int, int, int]
_NUMBER = {frozenset(ends): n for n, ends in enumerate(EDGES)}
_FACES_OF = tuple(
    frozenset(f for f, face in enumerate(FACES) if set(ends) <= set(face)) for ends in EDGES
)


def triangles_of(inside: int) -> tuple[Triangle, ...]:
    """Edges that each triangle's corners lie on, anticlockwise as seen from outside the solid.
    inside: a bit for each corner."""
    return tuple(t for loop in _loops(inside) for t in _cut(tuple(loop)))


def _loops(inside: int) -> list[list[int]]:
    """Edges in the order in which closed lines on the cube's faces cross them."""
    after = dict(step for face in FACES for step in _lines(face, inside))
    loops = []
    while after:
        first, here = after.popitem()
        loop = [first]
        while here != first:
            loop.append(here)
            here = after.pop(here)
        loops.append(loop)
    return loops


def _lines(face: tuple[int, int, int, int], inside: int) -> list[tuple[int, int]]:
    """Lines on one face: each from the edge where a walk around it enters the solid to the one
    where it leaves."""
    lines, bits = [], [bool(inside >> corner & 1) for corner in face]
    for n in range(4):
        if bits[n] and not bits[n - 1]:  # an inside run begins; its end is the next outside corner
            length = next((k for k in range(1, 4) if not bits[(n + k) % 4]), 0)
            ends = (n - 1) % 4, (n + length - 1) % 4
            enter, leave = (_NUMBER[frozenset((face[e], face[(e + 1) % 4]))] for e in ends)
            lines.append((enter, leave))
    return lines


@cache
def _cut(loop: tuple[int, ...]) -> tuple[Triangle, ...]:
    """The loop in triangles, with as few cuts in a face of the cube as can be."""
    return _best(loop)[1]


@cache
def _best(loop: tuple[int, ...]) -> tuple[int, tuple[Triangle, ...]]:
    """(cuts in faces, triangles): the side between the last and the first belongs to one."""
    if len(loop) < 3:
        return 0, ()
    found = []
    for k in range(1, len(loop) - 1):
        left, right = _best(loop[: k + 1]), _best(loop[k:])
        cost = left[0] + right[0]
        cost += _in_face(loop[0], loop[k]) if k > 1 else 0
        cost += _in_face(loop[k], loop[-1]) if k < len(loop) - 2 else 0
        found.append((cost, (*left[1], (loop[0], loop[k], loop[-1]), *right[1])))
    return min(found, key=lambda pair: pair[0])


def _in_face(a: int, b: int) -> bool:
    return bool(_FACES_OF[a] & _FACES_OF[b])


@cache
def table() -> tuple[Tensor, Tensor]:
    """Triangles long [256, T, 3], -1 where there are fewer, and how many, long [256]."""
    each = [triangles_of(inside) for inside in range(256)]
    most = max(map(len, each))
    out = torch.full((256, most, 3), -1, dtype=torch.long)
    for inside, some in enumerate(each):
        if some:
            out[inside, : len(some)] = torch.tensor(some)
    return out, torch.tensor([len(some) for some in each])
