"""Data that is small and hangs together: sentences, bars, rows of people.

Knows how to draw and write them; not what is tested.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from genloom.codec.image.files import write_picture
from genloom.codec.image.pictures import Picture

WORDS = (
    "the",
    "a",
    "red",
    "grey",
    "old",
    "small",
    "river",
    "house",
    "moon",
    "sings",
    "runs",
    "falls",
    "over",
    "under",
    "slowly",
    "again",
)


def prose(words: int, seed: int) -> str:
    """Sentences that a counting model can learn something about."""
    rng = np.random.default_rng(seed)
    lines = [
        " ".join(WORDS[i] for i in rng.integers(0, len(WORDS), rng.integers(4, 9)))
        for _ in range(words // 6)
    ]
    return ".\n".join(lines) + ".\n"


def shapes(folder: Path, count: int) -> None:
    """A folder a class: a bright bar across or upright, its place and shade by chance."""
    rng = np.random.default_rng(1)
    for name in ("across", "upright"):
        (folder / name).mkdir(parents=True)
        for n in range(count):
            pixels = rng.integers(0, 40, (8, 8)).astype(np.uint8)
            where, shade = rng.integers(0, 7), rng.integers(150, 256)
            bar = (slice(where, where + 2), slice(None))
            pixels[bar if name == "across" else bar[::-1]] = shade
            write_picture(Picture(pixels).open(), folder / name / f"{n:03d}.png", None)


def people(rows: int, seed: int) -> pd.DataFrame:
    """Numbers and categories that hang together, with some values missing."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows)
    city = np.where(rng.random(rows) < age / 100, "north", "south")
    height = np.round(150 + age / 4 + rng.normal(0, 6, rows), 1)
    height[rng.random(rows) < 0.03] = np.nan
    rich = np.where(age + rng.normal(0, 8, rows) > 55, "yes", "no")
    return pd.DataFrame({"age": age, "city": city, "height": height, "rich": rich})
