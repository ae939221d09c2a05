"""A few pictures made into more: windows cut anew, small shifts, mirror images; and a caption for
those that have none.

Knows single pictures and a seed. Knows no tensor and no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from genloom.codec.image.pictures import Picture, as_picture, pillow

if TYPE_CHECKING:
    from PIL import Image

LEAST_WINDOW = 0.8  # of the shorter side
ROOMY = 1.25  # times the grid: from there a window still has the pixels that the grid wants
SHIFT = 16  # a smaller picture is shifted by up to one part in so many


def called(items: Iterable[Any], caption: str) -> list[Picture]:
    """The pictures; those without a caption get this one."""
    pictures = map(as_picture, items)
    return [p if p.caption else replace(p, caption=caption) for p in pictures]


def varied(
    items: Sequence[Any], count: int, grid: tuple[int, int], flips: bool, seed: int
) -> list[Picture]:
    """Each picture itself and count - 1 variations; flips: every second one is mirrored. The same
    for the same seed, whatever else is in the collection."""
    out = []
    for number, picture in enumerate(map(as_picture, items)):
        image = picture.open()
        for turn in range(count):
            draw = np.random.default_rng((seed, number, turn))
            made = image if turn == 0 else _cut(image, grid, draw)
            if flips and turn % 2:
                made = made.transpose(pillow().Transpose.FLIP_LEFT_RIGHT)
            out.append(replace(picture, source=made))
    return out


def _cut(image: Image.Image, grid: tuple[int, int], draw: np.random.Generator) -> Image.Image:
    """A window of a large picture; a small one, all of which is needed, is shifted a little."""
    width, height = image.size
    if min(width / grid[1], height / grid[0]) >= ROOMY:
        share = draw.uniform(max(LEAST_WINDOW, grid[1] / width, grid[0] / height), 1.0)
        w, h = round(share * width), round(share * height)
        left, top = draw.integers(0, width - w + 1), draw.integers(0, height - h + 1)
        return image.crop((int(left), int(top), int(left) + w, int(top) + h))
    pixels = np.asarray(image)
    reach = min(width, height) // SHIFT
    wide = np.pad(pixels, [(reach, reach)] * 2 + [(0, 0)] * (pixels.ndim - 2), mode="edge")
    top, left = draw.integers(0, 2 * reach + 1, 2)
    return pillow().fromarray(np.ascontiguousarray(wide[top : top + height, left : left + width]))
