"""Clips on paper: a row a clip, frames evenly over its length, the caption below.

Knows pillow images only: no tensor, no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genloom.codec.image.grid import GAP, INK, LINE, PAPER, label_font
from genloom.codec.image.pictures import pillow
from genloom.codec.video.clips import images
from genloom.errors import DataError

ACROSS, CELL = 8, 96  # frames of a row; pixels of the longer side of one


def strips(clips: Sequence[tuple[np.ndarray, str]], across: int = ACROSS) -> Any:
    """One RGB sheet of clips uint8 [T, H, W, C] with their captions."""
    if not clips:
        raise DataError("a sheet needs at least one clip")
    rows = [_row(frames, across) for frames, _ in clips]
    below = LINE if any(caption for _, caption in clips) else 0
    width = GAP + max(len(row) * (row[0].width + GAP) for row in rows)
    height = GAP + sum(row[0].height + below + GAP for row in rows)
    sheet = pillow().new("RGB", (width, height), PAPER)
    from PIL import ImageDraw  # pillow is there

    pen, at = ImageDraw.Draw(sheet), GAP
    for row, (_, caption) in zip(rows, clips, strict=True):
        for n, image in enumerate(row):
            sheet.paste(image, (GAP + n * (image.width + GAP), at))
        text = caption.encode("latin-1", "replace").decode("latin-1")[: max(8, width // 6)]
        pen.text((GAP, at + row[0].height), text, fill=INK, font=label_font())
        at += row[0].height + below + GAP
    return sheet


def _row(frames: np.ndarray, across: int) -> list[Any]:
    count = min(across, len(frames))
    some = [frames[round(n * (len(frames) - 1) / max(1, count - 1))] for n in range(count)]
    return [_enlarged(image.convert("RGB")) for image in images(some)]


def _enlarged(image: Any) -> Any:
    longest, resampling = max(image.size), pillow().Resampling
    if longest <= CELL:
        times = max(1, CELL // longest)
        return image.resize((image.width * times, image.height * times), resampling.NEAREST)
    sides = [max(1, round(side * CELL / longest)) for side in image.size]
    return image.resize(sides, resampling.LANCZOS)
