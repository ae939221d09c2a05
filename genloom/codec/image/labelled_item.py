"""A picture with what is in it: a mask of classes, and boxes and counts that follow from the mask.

Things are connected parts of one class; two that touch count as one. Counts are said as people say
them, "2 cars, 1 sign", and read back. Knows arrays and words: no file, no tensor.
Shape legend: H rows, W columns; masks are uint8 [H, W], 0 is the background.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from genloom.codec.image.pictures import Picture, pillow
from genloom.errors import DataError, RequestError

NOTHING = "nothing"
LEAST = 4  # pixels of a thing; fewer are specks
COUNT = re.compile(r"(\d{1,4}|an?|no)\s+(.+)")


@dataclass(frozen=True, kw_only=True)
class Box:
    """A thing: its class and where it is, in pixels from the upper left corner."""

    label: str
    x: int
    y: int
    width: int
    height: int
    pixels: int

    def to_json(self) -> dict[str, Any]:
        box = [self.x, self.y, self.width, self.height]
        return {"label": self.label, "box": box, "pixels": self.pixels}


@dataclass(frozen=True, eq=False, kw_only=True)
class Painting:
    """A mask that is painted when it is needed. size: (width, height); shapes: the number of a
    class with its polygons [x, y, x, y ...] or its box [x, y, width, height]."""

    size: tuple[int, int]
    shapes: tuple[tuple[int, Any], ...]

    def labels(self) -> np.ndarray:
        """uint8 [H, W]. DataError where a shape is none."""
        mask = pillow().new("L", self.size, 0)
        from PIL import ImageDraw

        draw = ImageDraw.Draw(mask)
        for number, shape in self.shapes:
            try:
                for polygon in _polygons(shape):
                    draw.polygon(polygon, fill=number)
            except (TypeError, ValueError, AttributeError, OverflowError):
                raise DataError("an annotation is no polygons and no box [x, y, w, h]") from None
        return np.asarray(mask)


def _polygons(shape: Any) -> list[list[float]]:
    """Lists of x, y, x, y ..."""
    if isinstance(shape, list) and len(shape) == 4 and not isinstance(shape[0], list):
        x, y, width, height = (float(v) for v in shape)
        right, below = x + max(width, 1) - 1, y + max(height, 1) - 1
        return [[x, y, right, y, right, below, x, below]]
    return [[float(v) for v in polygon] for polygon in shape]


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """picture: as any; classes: names, of which number n in the mask is classes[n - 1].

    mask: uint8 [H, W], or a picture of numbers that `values` maps to classes, or a painting, made
    when they are needed.
    """

    picture: Picture
    mask: np.ndarray | Picture | Painting
    classes: tuple[str, ...]
    values: tuple[int, ...] = ()  # value of class n in a stored mask, at place n - 1

    @property
    def image(self) -> Any:
        """The picture, opened."""
        return self.picture.open()

    def labels(self) -> np.ndarray:
        """uint8 [H, W], the number of each pixel's class."""
        if isinstance(self.mask, np.ndarray):
            return self.mask
        if isinstance(self.mask, Painting):
            return self.mask.labels()
        stored = flat_values(self.mask.numbers())
        out = np.zeros(stored.shape, np.uint8)
        for number, value in enumerate(self.values, start=1):
            out[stored == value] = number
        return out

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """Everything in it, class by class, from the top."""
        return found(self.labels(), self.classes)

    @property
    def counts(self) -> dict[str, int]:
        """How many things of each class; classes that are absent are 0."""
        seen = Counter(box.label for box in self.boxes)
        return {name: seen[name] for name in self.classes}

    @property
    def caption(self) -> str:
        return told(self.counts)


def flat_values(stored: np.ndarray) -> np.ndarray:
    """[H, W] whole numbers; of colours, red, green and blue in one number."""
    if stored.ndim == 2:
        return stored.astype(np.int64)
    if stored.shape[2] < 3:
        return stored[..., 0].astype(np.int64)
    red, green, blue = (stored[..., n].astype(np.int64) for n in range(3))
    return red << 16 | green << 8 | blue


def found(labels: np.ndarray, classes: Sequence[str], least: int = LEAST) -> tuple[Box, ...]:
    """The connected parts of each class, without specks."""
    boxes = []
    for number, name in enumerate(classes, start=1):
        for x, y, width, height, pixels in parts(labels == number):
            if pixels >= least:
                box = Box(label=name, x=x, y=y, width=width, height=height, pixels=pixels)
                boxes.append(box)
    return tuple(boxes)


def parts(mask: np.ndarray) -> list[tuple[int, int, int, int, int]]:
    """(x, y, width, height, pixels) of each part of bool [H, W], corners touching, from the top.

    Runs of each row are joined with those above (Rosenfeld & Pfaltz 1966)."""
    runs, owner, above = [], [], range(0)
    for y, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(np.int8), [0]))))
        here = range(len(runs), len(runs) + len(edges) // 2)
        for n, (start, stop) in zip(here, edges.reshape(-1, 2).tolist(), strict=True):
            runs.append((y, start, stop))
            owner.append(n)
            for m in above:
                if runs[m][1] <= stop and start <= runs[m][2]:  # corners count
                    owner[_root(owner, m)] = _root(owner, n)
        above = here
    groups: dict[int, list[tuple[int, int, int]]] = {}
    for n, run in enumerate(runs):
        groups.setdefault(_root(owner, n), []).append(run)
    return sorted(map(_bounds, groups.values()), key=lambda part: (part[1], part[0]))


def _root(owner: list[int], n: int) -> int:
    while owner[n] != n:
        owner[n] = owner[owner[n]]
        n = owner[n]
    return n


def _bounds(runs: list[tuple[int, int, int]]) -> tuple[int, int, int, int, int]:
    top, bottom = runs[0][0], runs[-1][0]
    left, right = min(r[1] for r in runs), max(r[2] for r in runs)
    pixels = sum(stop - start for _, start, stop in runs)
    return left, top, right - left, bottom - top + 1, pixels


# --- words ----------------------------------------------------------------------------------------


def told(counts: Mapping[str, int]) -> str:
    """ "2 cars, 1 sign"; "nothing" where there is none."""
    words = [f"{n} {name if n == 1 else plural(name)}" for name, n in counts.items() if n]
    return ", ".join(words) or NOTHING


def plural(name: str) -> str:
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    return f"{name[:-1]}ies" if re.search(r"[^aeiou]y$", name) else f"{name}s"


def asked(text: str, classes: Sequence[str]) -> dict[str, int]:
    """The counts that a text names, 0 for the rest. RequestError where it cannot be read."""
    names = {form.lower(): name for name in classes for form in (name, plural(name))}
    counts = dict.fromkeys(classes, 0)
    if text.strip().lower() in ("", NOTHING):
        return counts
    for piece in re.split(r"\s*(?:,|\band\b)\s*", text.strip().lower()):
        match = COUNT.fullmatch(piece)
        name = names.get(match[2].strip()) if match else None
        if match is None or name is None:
            raise RequestError(
                f"{piece[:60]!r} is no count of {', '.join(classes)}: ask as in "
                f"{told({classes[0]: 2, classes[-1]: 1})!r}"
            )
        counts[name] += int(match[1]) if match[1].isdigit() else int(match[1] != "no")
    return counts
