"""Clips of small pictures that move over a dark field and bounce off its edges, with captions that
say what moves, which way it starts and how fast.

Any pictures may move; circles, squares and the like are drawn here. What moves where is known
exactly, so that what a model makes can be told right from wrong. Knows no model.
Shape legend: N clips, T frames, S sides, h and w of a picture.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genloom.codec.saving import write_atomic

SIDE, FRAMES, RATE = 48, 16, 8.0
SPEEDS = {"slow": 1, "medium": 2, "fast": 3}  # pixels a frame along each axis
WAYS = {
    "up": (-1, 0),
    "down": (1, 0),
    "left": (0, -1),
    "right": (0, 1),
    "up and left": (-1, -1),
    "up and right": (-1, 1),
    "down and left": (1, -1),
    "down and right": (1, 1),
}
TWO = 0.5  # share of the clips in which two move


def moving(
    pictures: np.ndarray,
    names: Sequence[str],
    count: int,
    seed: int,
    *,
    side: int = SIDE,
    frames: int = FRAMES,
) -> tuple[np.ndarray, list[str]]:
    """uint8 [N, T, S, S] and a caption each. pictures: uint8 [P, h, w], bright on dark; names: what
    each is, such as "a digit 7". ValueError where they are larger than the field."""
    if max(pictures.shape[1:]) >= side:
        raise ValueError(f"pictures of {pictures.shape[1:]} do not fit a field of {side}")
    rng = np.random.default_rng(seed)
    out = np.zeros((count, frames, side, side), np.uint8)
    captions = []
    for clip in out:
        told = [_one(clip, pictures, names, rng) for _ in range(2 if rng.random() < TWO else 1)]
        captions.append(f"{' and '.join(told)}, bouncing off the edges")
    return out, captions


def _one(
    clip: np.ndarray, pictures: np.ndarray, names: Sequence[str], rng: np.random.Generator
) -> str:
    """Let one picture move through a clip; what is said of it."""
    which = int(rng.integers(len(pictures)))
    way, speed = (list(table)[int(rng.integers(len(table)))] for table in (WAYS, SPEEDS))
    picture = pictures[which]
    height, width = picture.shape
    rows = _path(clip.shape[1] - height, WAYS[way][0] * SPEEDS[speed], len(clip), rng)
    columns = _path(clip.shape[2] - width, WAYS[way][1] * SPEEDS[speed], len(clip), rng)
    for frame, row, column in zip(clip, rows, columns, strict=True):
        place = frame[row : row + height, column : column + width]
        np.maximum(place, picture, out=place)
    return f"{names[which]} starting {way} at {speed} speed"


def _path(room: int, step: int, frames: int, rng: np.random.Generator) -> list[int]:
    """Where it is in every frame, along one axis."""
    at, out = int(rng.integers(room + 1)), []
    for _ in range(frames):
        out.append(at)
        if not 0 <= at + step <= room:
            step = -step
        at = min(max(at + step, 0), room)
    return out


def solids() -> tuple[np.ndarray, list[str]]:
    """uint8 [P, h, w] of plain shapes in three sizes, and what they are."""
    pictures, names = [], []
    for size, radius in (("small", 5), ("middle-sized", 8), ("large", 11)):
        y, x = np.mgrid[-12:13, -12:13]
        far = np.hypot(x, y)
        for name, inside in (
            ("circle", far <= radius),
            ("square", np.maximum(abs(x), abs(y)) <= 0.85 * radius),
            ("diamond", abs(x) + abs(y) <= 1.2 * radius),
            ("triangle", (y <= 0.8 * radius) & (2 * abs(x) <= y + radius)),
            ("cross", (np.minimum(abs(x), abs(y)) <= radius / 3) & (far <= 1.2 * radius)),
            ("ring", (far <= radius) & (far >= 0.55 * radius)),
        ):
            pictures.append(np.where(inside, 255, 0).astype(np.uint8))
            names.append(f"a {size} {name}")
    return np.stack(pictures), names


def draw_moving(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Clips of plain shapes, as `moving` gives them."""
    return moving(*solids(), count, seed)


def write_moving(clips: tuple[np.ndarray, Sequence[str]], path: Path) -> Path:
    """An .npz of all frames, and beside it a .jsonl with a caption a line."""
    frames, captions = clips
    packed = io.BytesIO()
    np.savez_compressed(packed, frames=frames, fps=np.float64(RATE))
    told = "".join(json.dumps({"index": n, "caption": c}) + "\n" for n, c in enumerate(captions))
    write_atomic(path.with_suffix(".jsonl"), told.encode())
    return write_atomic(path, packed.getvalue())
