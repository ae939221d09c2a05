"""A face that speaks: one picture, its mouth opened as far as it is told, the jaw with it.

Where the mouth is, is said, or guessed from the figure in the picture. Knows arrays; not what is
said.
Shape legend: H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.codec.image.puppet import Figure
from genloom.errors import DataError, UsageError
from genloom.speech.mouth import Mouth

HEAD = 0.2  # of a figure's height: there a face is nearly as wide as anywhere, a body has its head
NARROW = 0.62  # of the figure's width: what is narrower there is a head on a body
IN_FACE = (0.74, 0.3)  # how far down and how wide a mouth is, as parts of a face
IN_BODY = (0.25, 0.5)  # how far down a body, and how wide as a part of its head
DARK, LIP, TEETH = (58, 18, 26), (150, 62, 66), (238, 232, 224)
JAW = 0.35  # of the mouth's height by which the chin goes down


@dataclass(frozen=True, kw_only=True)
class Face:
    """pixels: uint8 [H, W, 3]; mouth: (across, down, width) in pixels."""

    pixels: np.ndarray
    mouth: tuple[float, float, float]

    @classmethod
    def of(cls, image: Any, size: tuple[int, int], mouth: str = "") -> Face:
        """A picture brought into (width, height), whole, pixels enlarged by whole factors where it
        is small. mouth: "across,down,width" as parts of the picture, "" to guess."""
        board, box = _boarded(image, size)
        told = _told(mouth) if mouth else _guessed(image)
        left, top, wide, high = box
        place = (left + told[0] * wide, top + told[1] * high, max(3.0, told[2] * wide))
        return cls(pixels=board, mouth=place)

    def speaking(self, mouth: Mouth) -> np.ndarray:
        """uint8 [H, W, 3]: with the mouth so."""
        across, down, width = self.mouth
        half = width / 2 * (0.62 + 0.38 * mouth.wide)
        gap = 0.62 * width * mouth.open / 2
        y, x = np.mgrid[: self.pixels.shape[0], : self.pixels.shape[1]].astype(float)
        made = self.pixels
        if gap >= 0.5:
            made = _chin(made, across, down, width, 2 * gap * JAW, x, y)
        ring = np.square((x - across) / (half + 0.09 * width))
        inner = np.square((x - across) / half) + np.square((y - down) / max(gap, 0.02 * width))
        outer = ring + np.square((y - down) / (gap + 0.09 * width))
        made = np.where((outer <= 1)[..., None], np.array(LIP, np.uint8), made)
        if gap < 0.5:
            return made
        made = np.where((inner <= 1)[..., None], np.array(DARK, np.uint8), made)
        teeth = (inner <= 0.85) & (y < down - 0.45 * gap)
        return np.where(teeth[..., None], np.array(TEETH, np.uint8), made)


def _chin(
    pixels: np.ndarray, across: float, down: float, width: float, drop: float, x: Any, y: Any
) -> np.ndarray:
    """What is below the mouth moved down, less with every pixel away from it."""
    near = np.exp(-np.square((x - across) / (0.9 * width)))
    fade = np.clip(1 - (y - down) / (1.6 * width), 0, 1)
    shift = np.where(y > down, drop * near * fade, 0.0)
    rows = np.clip(np.rint(y - shift).astype(int), 0, pixels.shape[0] - 1)
    moved: np.ndarray = pixels[rows, x.astype(int)]
    return moved


def _boarded(image: Any, size: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """(uint8 [H, W, 3], where the picture lies: left, top, width, height)."""
    from PIL import Image  # the caller has opened a picture

    width, height = size
    factor = min(width / image.width, height / image.height)
    small = factor >= 2
    factor = float(int(factor)) if small else factor
    inner = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    how = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
    large = image.convert("RGBA").resize(inner, how)
    board = Image.new("RGBA", size, _behind(image))
    corner = ((width - inner[0]) // 2, height - inner[1])
    board.alpha_composite(large, corner)
    return np.asarray(board.convert("RGB")), (*corner, *inner)


def _behind(image: Any) -> tuple[int, int, int, int]:
    """The picture's own border, a plain blue-grey where it has none."""
    pixels = np.asarray(image.convert("RGBA"))
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if (rim[:, 3] < 128).mean() > 0.5:
        return (86, 104, 128, 255)
    red, green, blue = (int(v) for v in np.median(rim, 0)[:3])
    return (red, green, blue, 255)


def _told(mouth: str) -> tuple[float, float, float]:
    try:
        across, down, width = (float(part) for part in mouth.split(","))
    except ValueError:
        across = down = width = -1.0
    if not (0 <= across <= 1 and 0 <= down <= 1 and 0 < width <= 1):
        raise UsageError(
            f"the mouth is {mouth!r}: ACROSS,DOWN,WIDTH as parts of the picture are expected, "
            "such as 0.5,0.7,0.3"
        )
    return across, down, width


def _guessed(image: Any) -> tuple[float, float, float]:
    """As parts of the picture: low in a face, high in a figure, in the middle of its head."""
    try:
        figure = Figure.of(image)
    except DataError:
        return 0.5, IN_FACE[0], IN_FACE[1]
    left, top, right, bottom = figure.box
    wide, high = right - left, bottom - top
    rows = figure.pixels[top + high // 10 : top + max(1, round(HEAD * high)), :, 3]
    columns = np.nonzero((rows > 0).mean(0) >= 0.5)[0]
    if not len(columns) or np.ptp(columns) + 1 > NARROW * wide:
        across, down, width = (left + right) / 2, IN_FACE[0], IN_FACE[1] * min(wide, high)
    else:
        across, down, width = columns.mean() + 0.5, IN_BODY[0], IN_BODY[1] * (np.ptp(columns) + 1)
    return across / image.width, (top + down * high) / image.height, float(width) / image.width
