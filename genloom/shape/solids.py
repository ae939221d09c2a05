"""Closed forms: solids whose signed distance is a formula, and unions of them.

A form is what data sets of drawn shapes hold: a few solids with colours, exact at any resolution.
Knows points and formulas (Quilez 2008, "distance functions"); no grid and no file.
Shape legend: P points; distances are negative inside, in metres.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genloom.errors import DataError

Point = tuple[float, float, float]
KINDS = ("box", "cylinder", "ellipsoid", "prism")
AXES = {"x": 0, "y": 1, "z": 2}
MOST = 256  # solids of a form
MOST_CORNERS = 128  # of a prism's outline


@dataclass(frozen=True, kw_only=True)
class Solid:
    """One convex or prismatic body.

    kind      box: `size` along x, y, z, edges rounded by `round`; ellipsoid: likewise without;
              cylinder: `size` is (diameter, diameter, length) about `axis`;
              prism: `outline` of points in the plane across `axis`, `size` holds the length last
    centre    of the body; of a prism, where the outline's origin lies
    axis      of a cylinder or prism
    colour    red, green, blue from 0 to 255
    """

    kind: str
    size: Point
    centre: Point = (0.0, 0.0, 0.0)
    axis: str = "y"
    round: float = 0.0
    outline: tuple[tuple[float, float], ...] = ()
    colour: tuple[int, int, int] = (178, 178, 184)

    def __post_init__(self) -> None:
        numbers = [*self.size, *self.centre, self.round, *(v for p in self.outline for v in p)]
        if self.kind not in KINDS or self.axis not in AXES:
            raise DataError(
                f"a solid of kind {self.kind!r} about {self.axis!r}: use {', '.join(KINDS)} about "
                "x, y or z"
            )
        if not all(map(math.isfinite, numbers)) or min(self.size) <= 0 or self.round < 0:
            raise DataError(f"a {self.kind} of size {self.size}: finite sizes above 0 are expected")
        if (self.kind == "prism") != bool(self.outline) or len(self.outline) in (1, 2):
            raise DataError("a prism has an outline of 3 corners or more, other solids have none")
        if len(self.outline) > MOST_CORNERS:
            raise DataError(f"an outline of {len(self.outline)} corners: {MOST_CORNERS} at most")

    def distance(self, points: Tensor) -> Tensor:
        """float [P]: exact outside a box, cylinder and prism; near the surface of an ellipsoid."""
        local = points - points.new_tensor(self.centre)
        if self.kind == "box":
            return _box(local, points.new_tensor(self.size) / 2, self.round)
        if self.kind == "ellipsoid":
            return _ellipsoid(local, points.new_tensor(self.size) / 2)
        along = local[:, AXES[self.axis]].abs() - self.size[2] / 2
        across = local[:, [n for n in range(3) if n != AXES[self.axis]]]
        if self.kind == "cylinder":
            flat = across.norm(dim=1) - self.size[0] / 2
        else:
            flat = _polygon(across, points.new_tensor(self.outline))
        return _extruded(flat + self.round, along + self.round) - self.round

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"kind": self.kind, "size": [*self.size], "centre": [*self.centre]}
        if self.kind in ("cylinder", "prism"):
            out["axis"] = self.axis
        if self.round:
            out["round"] = self.round
        if self.outline:
            out["outline"] = [[*p] for p in self.outline]
        return {**out, "colour": [*self.colour]}


@dataclass(frozen=True, kw_only=True)
class Form:
    """Solids together, with what they are called and what is known of them in numbers."""

    solids: tuple[Solid, ...]
    caption: str | None = None
    measures: Mapping[str, float] | None = None

    def distance(self, points: Tensor) -> Tensor:
        """float [P]: the least over the solids."""
        return self._each(points).min(0).values

    def near(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Distances float [P], and the colour of the nearest solid, float [P, 3] from 0 to 255."""
        least, which = self._each(points).min(0)
        return least, points.new_tensor([s.colour for s in self.solids])[which]

    def _each(self, points: Tensor) -> Tensor:
        return torch.stack([solid.distance(points) for solid in self.solids])

    @property
    def bounds(self) -> tuple[Point, Point]:
        """Of a box that holds all of it: the solids' own boxes joined."""
        low, high = zip(*(_box_of(solid) for solid in self.solids), strict=True)
        lower = [min(values) for values in zip(*low, strict=True)]
        upper = [max(values) for values in zip(*high, strict=True)]
        return (lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2])

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"solids": [solid.to_json() for solid in self.solids]}
        told |= {"caption": self.caption} if self.caption else {}
        return told | ({"measures": dict(self.measures)} if self.measures else {})


def form_from_json(values: Any, name: str) -> Form:
    """DataError where it is none."""
    try:
        given = values["solids"]
        if not isinstance(given, list) or not 0 < len(given) <= MOST:
            raise DataError(f"1 to {MOST} solids are expected")
        solids = tuple(_solid(one) for one in given)
        measures = values.get("measures")
        told = None if measures is None else {str(k): float(v) for k, v in measures.items()}
        caption = values.get("caption")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{name} is no form of solids ({error})") from None
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    return Form(solids=solids, caption=None if caption is None else str(caption), measures=told)


def _solid(values: Mapping[str, Any]) -> Solid:
    known = {"kind", "size", "centre", "axis", "round", "outline", "colour"}
    if surplus := sorted(set(values) - known):
        raise DataError(f"a solid has no {', '.join(surplus)}")
    more = {key: values[key] for key in ("axis", "round") if key in values}
    outline = tuple((float(x), float(y)) for x, y in values.get("outline", ()))
    red, green, blue = (min(255, max(0, int(v))) for v in values.get("colour", (178, 178, 184)))
    return Solid(
        kind=str(values["kind"]),
        size=_point(values["size"]),
        centre=_point(values.get("centre", (0, 0, 0))),
        outline=outline,
        colour=(red, green, blue),
        **more,
    )


def _point(values: Sequence[Any]) -> Point:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _box_of(solid: Solid) -> tuple[Point, Point]:
    if solid.kind in ("box", "ellipsoid"):
        low, high = [-s / 2 for s in solid.size], [s / 2 for s in solid.size]
    else:
        axis, half = AXES[solid.axis], solid.size[0] / 2
        flat = [n for n in range(3) if n != axis]
        low, high = [-half] * 3, [half] * 3
        for place, n in enumerate(flat):
            if solid.outline:
                low[n] = min(p[place] for p in solid.outline)
                high[n] = max(p[place] for p in solid.outline)
        low[axis], high[axis] = -solid.size[2] / 2, solid.size[2] / 2
    return (
        _point([a + c for a, c in zip(low, solid.centre, strict=True)]),
        _point([a + c for a, c in zip(high, solid.centre, strict=True)]),
    )


# --- formulas -------------------------------------------------------------------------------------


def _box(local: Tensor, half: Tensor, round: float) -> Tensor:
    over = local.abs() - half + round
    outside = over.clamp(min=0).norm(dim=1)
    return outside + over.max(1).values.clamp(max=0) - round


def _ellipsoid(local: Tensor, radii: Tensor) -> Tensor:
    """To first order near the surface."""
    near = (local / radii).norm(dim=1)
    slope = (local / radii.square()).norm(dim=1)
    return near * (near - 1) / slope.clamp(min=1e-9) - (near < 1e-9) * radii.min()


def _extruded(flat: Tensor, along: Tensor) -> Tensor:
    """Of what is `flat` away across an axis and `along` away on it."""
    inside = torch.maximum(flat, along).clamp(max=0)
    return inside + torch.stack((flat, along)).clamp(min=0).norm(dim=0)


def _polygon(points: Tensor, corners: Tensor) -> Tensor:
    """Signed distance in the plane to a simple polygon [C, 2], by even-odd crossings."""
    best = points.new_full((len(points),), float("inf"))
    inside = torch.zeros(len(points), dtype=torch.bool)
    for a, b in zip(corners, corners.roll(-1, 0), strict=True):
        edge, to = b - a, points - a
        along = (to @ edge / edge.dot(edge).clamp(min=1e-12)).clamp(0, 1)
        best = torch.minimum(best, (to - along[:, None] * edge).square().sum(1))
        spans = (a[1] <= points[:, 1]) != (b[1] <= points[:, 1])
        turn = edge[0] * to[:, 1] - edge[1] * to[:, 0]
        inside ^= spans & ((turn > 0) == bool(b[1] > a[1]))
    return torch.where(inside, -1.0, 1.0) * best.sqrt()
