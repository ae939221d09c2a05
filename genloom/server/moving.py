"""Stills of moving pictures: the first frame, and a sheet of frames.

Knows what pillow opens (GIF, WebP, APNG), and films where PyAV is installed. Runs on a thread.
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
    if is_film(data):
        return _webp(_film(data, 1)[0])
    with _opened(data) as image:
        return _webp(image.convert("RGBA"))


def sheet(data: bytes) -> tuple[bytes, str]:
    """Up to 25 frames evenly over the length, row by row."""
    if is_film(data):
        return _board(_film(data, FRAMES))
    with _opened(data) as image:
        count = getattr(image, "n_frames", 1)
        kept = {round(n * (count - 1) / max(1, min(FRAMES, count) - 1)) for n in range(FRAMES)}
        frames = []
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            if number in kept:
                small = frame.convert("RGBA")
                small.thumbnail((SIDE, SIDE))
                frames.append(small)
    return _board(frames)


def _board(frames: list[Image.Image]) -> tuple[bytes, str]:
    width, height = frames[0].size
    columns = math.ceil(math.sqrt(len(frames)))
    rows = math.ceil(len(frames) / columns)
    board = Image.new("RGBA", (columns * width, rows * height))
    for place, frame in enumerate(frames):
        board.paste(frame, (place % columns * width, place // columns * height))
    return _webp(board)


def is_film(data: bytes) -> bool:
    """MP4, MOV, WebM or Matroska, by the first bytes."""
    return data[4:8] == b"ftyp" or data[:4] == b"\x1aE\xdf\xa3"


def _film(data: bytes, most: int) -> list[Image.Image]:
    """So many frames at most, evenly over the length, small; the first alone in its own size."""
    try:
        import av
    except ImportError:
        raise _none() from None
    try:
        with av.open(io.BytesIO(data), "r") as container:
            stream = container.streams.video[0]
            if stream.width * stream.height > MOST_PIXELS:
                raise Failure(413, "the frames are too large for stills", code="image_too_large")
            stream.thread_type = "NONE"
            if most == 1:
                return [next(container.decode(stream)).to_image()]
            kept: list[Image.Image] = []
            step = 1
            for number, frame in enumerate(container.decode(stream)):
                if number % step:
                    continue
                small = frame.to_image()
                small.thumbnail((SIDE, SIDE))
                kept.append(small)
                if len(kept) == 2 * most:  # of a long film every second, fourth ... frame
                    kept, step = kept[::2], 2 * step
    except (OSError, ValueError, IndexError, StopIteration, RuntimeError):
        raise _none() from None
    if not kept:
        raise _none()
    count = min(most, len(kept))
    return [kept[round(n * (len(kept) - 1) / max(1, count - 1))] for n in range(count)]


def _none() -> Failure:
    return Failure(
        400, "videos of this format have no stills here", code="invalid_value", param="variant"
    )


def _opened(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=KINDS)
    except (UnidentifiedImageError, OSError, ValueError):
        raise _none() from None
    if image.width * image.height > MOST_PIXELS:
        raise Failure(413, "the frames are too large for stills", code="image_too_large")
    return image


def _webp(image: Image.Image) -> tuple[bytes, str]:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=85)
    return out.getvalue(), "image/webp"
