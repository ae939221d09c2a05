"""Aspect-ratio buckets: a few grids of about one area, and which of them suits a picture.

So that wide and tall pictures are learnt whole, without a crop (as NovelAI described in 2022 and
Podell et al. 2023, section 2.3, took up). Knows sides; opens no picture and knows no tensor.
Shape legend: grids and shapes are (height, width).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from genloom.errors import RecipeError

Grid = tuple[int, int]
STEPS = (8, 4, 2, 1)  # sides are multiples of the first that leaves a usual side LEAST of them
LEAST = 4
WIDEST = 3.0  # a side is at most so many times the other
RARE = 0.02  # share of pictures below which a bucket is left to its neighbours
MOST = 64


def named(sizes: Any, usual: Grid) -> tuple[Grid, ...]:
    """The grids that an option lists, the usual one first; () where there is one alone, or where
    they are to be learnt. RecipeError where it lists none."""
    if sizes in (None, "auto"):
        return ()
    grids = [_grid(one, sizes) for one in sizes] if isinstance(sizes, Sequence) else []
    if not 0 < len(grids) <= MOST or isinstance(sizes, str):
        raise RecipeError(f'codec.sizes is {sizes!r}: use "auto", or up to {MOST} [height, width]')
    return tuple(dict.fromkeys((usual, *grids))) if {*grids} != {usual} else ()


def _grid(one: Any, sizes: Any) -> Grid:
    sides = (one, one) if isinstance(one, int) else one
    pair = isinstance(sides, Sequence) and len(sides) == 2
    if not pair or not all(isinstance(side, int) and 4 <= side <= 4096 for side in sides):
        raise RecipeError(f"codec.sizes is {sizes!r}: use [height, width] each, 4 to 4096 a side")
    return sides[0], sides[1]


def step_of(usual: Grid) -> int:
    """What every side is a multiple of."""
    fits = (s for s in STEPS if all(x % s == 0 and x >= LEAST * s for x in usual))
    return next(fits, 1)


def candidates(usual: Grid) -> list[Grid]:
    """Every grid of about the usual one's area whose sides are multiples of its step."""
    step, area = step_of(usual), usual[0] * usual[1]
    widths = range(step, int((WIDEST * area) ** 0.5) + step, step)
    grids = ((max(step, round(area / width / step) * step), width) for width in widths)
    return [usual, *(g for g in grids if _ratio(g) <= WIDEST and g != usual)]


def _ratio(grid: Grid) -> float:
    return max(grid) / min(grid)


def learnt(shapes: Sequence[Grid], usual: Grid) -> tuple[Grid, ...]:
    """The grids that suit pictures of these shapes, the usual one first; () where it alone does."""
    every = candidates(usual)
    found = Counter(nearest(shape, every) for shape in shapes)
    kept = [g for g, count in found.most_common(MOST) if count >= RARE * len(shapes)]
    return tuple(dict.fromkeys((usual, *sorted(kept)))) if {*kept} - {usual} else ()


def nearest(shape: Grid, grids: Sequence[Grid]) -> Grid:
    """The grid whose aspect ratio is nearest; the earlier one of two."""
    ratio = log(shape[0] / shape[1])
    return min(grids, key=lambda grid: abs(log(grid[0] / grid[1]) - ratio))


def shared(shapes: Sequence[Grid], grids: Sequence[Grid]) -> Mapping[Grid, list[int]]:
    """Grid -> the numbers of the pictures that go to it."""
    out: dict[Grid, list[int]] = {}
    for number, shape in enumerate(shapes):
        out.setdefault(nearest(shape, grids), []).append(number)
    return out
