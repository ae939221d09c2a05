"""One picture of a figure as a loop of motion: it breathes, walks or hops, by bending the picture.

The figure is what is no background; its feet stand still where they bear it. Every pixel is taken
from the picture, none is blended, so that pixel art stays so; the frames are a function of a phase
that comes round, so that the last leads to the first. No model: what comes out may teach one.
Knows arrays and pillow images. Shape legend: H rows, W columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from genloom.codec.image.pictures import pillow
from genloom.errors import DataError, RequestError

LEGS = 0.38  # of a figure's height: from here down it has legs
ROOM = 8  # part of the figure's longer side that is left free on top and beside
CLEAR = 24  # of 255: a pixel that differs less from the border's colour is background
FRAMES = (2, 64)
TURN = 2 * math.pi

# (across from the middle -1..1, height above the feet 0..1, phase 0..1) -> where it moves, as parts
# of the figure's height: (right, up)
Motion = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """pixels: uint8 [H, W, 4]; box: (left, top, right, bottom) of the figure; backdrop: RGBA behind
    it, clear where the picture is transparent."""

    pixels: np.ndarray
    box: tuple[int, int, int, int]
    backdrop: tuple[int, int, int, int]

    @classmethod
    def of(cls, image: Any) -> Figure:
        """DataError where the picture holds nothing but background."""
        pixels = np.asarray(image.convert("RGBA"))
        rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        clear = (rim[:, 3] < 128).mean() > 0.5
        back = (0, 0, 0, 0) if clear else tuple(int(v) for v in np.median(rim, 0))
        off = np.abs(pixels[..., :3].astype(int) - np.array(back[:3])).max(2)
        there = pixels[..., 3] >= 128 if clear else off > CLEAR
        if not there.any():
            raise DataError("the picture shows nothing but background: give one of a figure")
        rows, columns = np.nonzero(there.any(1))[0], np.nonzero(there.any(0))[0]
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        kept = pixels.copy()
        kept[~there] = (0, 0, 0, 0)
        return cls(pixels=kept, box=box, backdrop=(back[0], back[1], back[2], back[3]))

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


def _idle(x: np.ndarray, y: np.ndarray, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """It breathes: a little lower and wider, then back, and sways by half as much."""
    down = 0.045 * (1 - math.cos(TURN * phase)) / 2
    sway = 0.02 * math.sin(TURN * phase)
    return 0.45 * down * x + sway * y**2, -down * y


def _walk(x: np.ndarray, y: np.ndarray, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """Two steps a turn: legs lift in turns and swing, the body rises over the one that bears."""
    low = np.clip(1 - y / LEGS, 0, 1)  # 1 at the feet, 0 at the hips
    side = np.where(x < 0, 1.0, -1.0)
    swing = side * math.sin(TURN * phase)
    rise = 0.05 * (1 - math.cos(2 * TURN * phase)) / 2
    up = rise * (1 - low) + 0.13 * np.clip(swing, 0, None) * low
    lean = 0.035 * math.sin(TURN * phase) * np.clip(y - LEGS, 0, 1)
    apart = np.clip(2 * np.abs(x), 0, 1)  # no leg swings across the middle
    return lean + 0.06 * swing * low * apart, up


def _hop(x: np.ndarray, y: np.ndarray, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """It crouches, leaves the ground, stretched, and lands."""
    crouch = max(0.0, math.cos(TURN * phase)) ** 2
    flight = max(0.0, -math.cos(TURN * phase))
    squash = 0.14 * crouch - 0.07 * flight
    return 0.5 * squash * x, 0.1 * flight - squash * y


MOTIONS: Mapping[str, Motion] = MappingProxyType({"idle": _idle, "walk": _walk, "hop": _hop})


def loop(image: Any, motion: str, frames: int = 8) -> list[Any]:
    """RGBA pillow images, one a phase; the first after the last is the first. RequestError for
    motions that are not known."""
    if motion not in MOTIONS:
        raise RequestError(f"motion {motion!r} is not known: use {', '.join(MOTIONS)}")
    if not FRAMES[0] <= frames <= FRAMES[1]:
        raise RequestError(f"{frames} frames: {FRAMES[0]} to {FRAMES[1]} are expected")
    figure = Figure.of(image)
    return [_drawn(figure, MOTIONS[motion], n / frames) for n in range(frames)]


def _drawn(figure: Figure, motion: Motion, phase: float) -> Any:
    """The figure bent by the motion, on a canvas with room around it."""
    left, top, right, bottom = figure.box
    room = math.ceil(max(right - left, bottom - top) / ROOM)
    rows, columns = figure.pixels.shape[:2]
    y, x = np.mgrid[-room:rows, -room : columns + room].astype(float)
    height, half = float(figure.height), max(1.0, (right - left) / 2)
    middle = (left + right - 1) / 2
    # where a pixel of the canvas came from: the motion at its own place, and once more there
    source_x, source_y = x, y
    for _ in range(2):
        across = np.clip((source_x - middle) / half, -1.5, 1.5)
        above = np.clip((bottom - 1 - source_y) / height, -0.1, 1.5)
        on, up = motion(across, above, phase)
        source_x, source_y = x - on * height, y + up * height
    at_x, at_y = np.rint(source_x).astype(int), np.rint(source_y).astype(int)
    inside = (at_x >= 0) & (at_x < columns) & (at_y >= 0) & (at_y < rows)
    made = np.zeros((*x.shape, 4), np.uint8)
    made[inside] = figure.pixels[at_y[inside], at_x[inside]]
    made[made[..., 3] == 0] = figure.backdrop
    return pillow().fromarray(made)
