"""Tiny scenes with masks that tests draw themselves: discs are common, a cross is rare."""

from __future__ import annotations

import numpy as np
from PIL import Image

from genloom.codec.image.labelled_item import Labelled
from genloom.codec.image.pictures import Picture

SIDE = 16
CLASSES = ("disc", "cross")
RARE = 0.15  # share of scenes with a cross


def scene(rng: np.random.Generator, rare: float = RARE) -> Labelled:
    """One or two discs in the corners, now and then a cross in a corner that is free."""
    rows, columns = np.indices((SIDE, SIDE))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    corners = rng.permutation(4)
    for corner in corners[: rng.integers(1, 3)]:
        down, across = rows - 4 - 8 * (corner // 2), columns - 4 - 8 * (corner % 2)
        mask[down**2 + across**2 <= 9] = 1
    if rng.random() < rare:
        down, across = (
            abs(rows - 4 - 8 * (corners[3] // 2)),
            abs(columns - 4 - 8 * (corners[3] % 2)),
        )
        mask[((down <= 1) | (across <= 1)) & (np.maximum(down, across) <= 3)] = 2
    colours = np.array([(40, 60, 40), (220, 60, 60), (230, 230, 90)], float)
    pixels = colours[mask] + rng.normal(0, 12, (SIDE, SIDE, 3))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return Labelled(picture=Picture(image), mask=mask, classes=CLASSES)


def scenes(count: int, seed: int = 0, rare: float = RARE) -> list[Labelled]:
    rng = np.random.default_rng(seed)
    return [scene(rng, rare) for _ in range(count)]
