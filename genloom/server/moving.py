"""Stills of moving pictures: the first frame, and a sheet of frames.

Knows what pillow opens (GIF, WebP, APNG); other videos have no stills here. Runs on a thread.
"""

from __future__ import annotations

import io
import math

from PIL import Image, ImageSequence, UnidentifiedImageError

from genloom.server.failure import Failure
from genloom.server.pictures import MOST_PIXELS

FRAMES, SIDE = 25, 160  # on a sheet; pixels of one of them at most
KINDS = ("GIF", "WEBP", "PNG")


def thumbnail(data: bytes) -> tuple[bytes, str]:
    """The first frame."""
    with _opened(data) as image:
        return _webp(image.convert("RGBA"))


def sheet(data: bytes) -> tuple[bytes, str]:
    """Up to 25 frames evenly over the length, row by row."""
    with _opened(data) as image:
        count = getattr(image, "n_frames", 1)
        kept = {round(n * (count - 1) / max(1, min(FRAMES, count) - 1)) for n in range(FRAMES)}
        frames = []
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            if number in kept:
                small = frame.convert("RGBA")
                small.thumbnail((SIDE, SIDE))
                frames.append(small)
    width, height = frames[0].size
    columns = math.ceil(math.sqrt(len(frames)))
    rows = math.ceil(len(frames) / columns)
    board = Image.new("RGBA", (columns * width, rows * height))
    for place, frame in enumerate(frames):
        board.paste(frame, (place % columns * width, place // columns * height))
    return _webp(board)


def _opened(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=KINDS)
    except (UnidentifiedImageError, OSError, ValueError):
        raise Failure(
            400, "videos of this format have no stills here", code="invalid_value", param="variant"
        ) from None
    if image.width * image.height > MOST_PIXELS:
        raise Failure(413, "the frames are too large for stills", code="image_too_large")
    return image


def _webp(image: Image.Image) -> tuple[bytes, str]:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=85)
    return out.getvalue(), "image/webp"
