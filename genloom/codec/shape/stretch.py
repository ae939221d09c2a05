"""Shapes stretched to one box, and the sides that they had: sizes told as numbers, not as places.

A side that is told to every place of a field is read off again as a mean of thousands of numbers,
far finer than cells are wide. Knows meshes, closed forms and boxes; no net.
Shape legend: D, H, W places along z, y, x; P points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from genloom.shape.mesh import Mesh
from genloom.shape.solids import Form

LEAST = 1e-6  # metres; flatter shapes count as this thick
ROOM = 0.9  # of the numbers' range that training's own sides take up


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """middle: the box that all are stretched to, x, y and z in metres, the geometric mean of the
    data's. spread: the logarithm of the largest factor by which a side differs from it."""

    middle: tuple[float, float, float]
    spread: float

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """float64 [3], [3]: low and high, standing on the ground, in the middle of x and z."""
        x, y, z = self.middle
        return np.array([-x / 2, 0.0, -z / 2]), np.array([x / 2, y, z / 2])

    def told(self, bounds: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """float [3] within [-1, 1]: the sides of a box."""
        sides = np.maximum(bounds[1] - bounds[0], LEAST)
        values = np.log(sides / self.middle) * (ROOM / self.spread)
        return torch.from_numpy(values.clip(-1, 1)).float()

    def sides(self, told: Tensor) -> np.ndarray:
        """float64 [3], metres, from told sides [3]."""
        return np.exp(told.double().numpy() * (self.spread / ROOM)) * self.middle

    def applied(self, shape: Mesh | Form) -> Mesh | Stretched:
        """The shape with its box drawn to the one of all."""
        low, high = (np.asarray(one, np.float64) for one in shape.bounds)
        scale = np.maximum(high - low, LEAST) / self.middle
        start = self.box[0]
        if isinstance(shape, Mesh):
            corners = (shape.vertices - low) / scale + start
            return replace(shape, vertices=corners.astype(np.float32))
        return Stretched(shape, torch.from_numpy(scale), torch.from_numpy(low - start * scale))

    def undone(self, mesh: Mesh, told: Tensor) -> Mesh:
        """The mesh with its own box, wherever it lies, drawn to the told sides [3]; it stands on
        the ground, in the middle of x and z."""
        if mesh.empty:
            return mesh
        low, high = mesh.bounds
        sides = self.sides(told)
        scale = sides / np.maximum(high - low, LEAST)
        start = np.array([-sides[0] / 2, 0.0, -sides[2] / 2])
        return replace(mesh, vertices=((mesh.vertices - low) * scale + start).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Stretched:
    """A closed form seen through a stretch: place p is the form's p * scale + shift, [3] each."""

    form: Form
    scale: Tensor
    shift: Tensor

    def near(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """float [P]: about how far, with the scale's mean; and colours [P, 3]."""
        distance, colours = self.form.near((points * self.scale + self.shift).float())
        return distance / float(self.scale.log().mean().exp()), colours


def stretch_for(boxes: Sequence[tuple[np.ndarray, np.ndarray]]) -> Stretch:
    """What suits shapes of these bounds."""
    logs = np.log(np.maximum([high - low for low, high in boxes], LEAST))
    middle = logs.mean(0)
    x, y, z = (float(v) for v in np.exp(middle))
    return Stretch(middle=(x, y, z), spread=max(float(np.abs(logs - middle).max()), 0.01))
