"""Writing clips (MP4, WebM, GIF, WebP, a PNG sheet) with their record, reading it back, and the
hash of what is seen and heard.

Knows bytes and metadata: no tensor, and not what a record says.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.embedded import embedded
from genloom.codec.image.files import png_bytes
from genloom.codec.image.pictures import FORMATS, pillow, reason
from genloom.codec.saving import write_atomic
from genloom.codec.sound.files import sample_hash
from genloom.codec.video import containers
from genloom.codec.video.clips import Clip, images
from genloom.codec.video.frames import Frames
from genloom.errors import DataError, RequestError

ANIMATED = (".gif", ".webp")
WRITTEN = (*containers.WRITTEN, *ANIMATED, ".png")
MARK = b"genloom "  # before the record in the comment of a GIF
LARGEST_COMMENT = 1 << 20


def write_clip(clip: Frames, path: Path, record: Mapping[str, Any] | None = None) -> bool:
    """By suffix; True where the record went into the file. Films have their sound, the others none;
    a .png is a sheet of all frames."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in containers.WRITTEN:
        containers.write(clip, path, record)
        return record is not None
    if suffix == ".png":
        write_atomic(path, png_bytes(sheet(clip), record))
        return record is not None
    if suffix not in ANIMATED:
        raise RequestError(f"{path.name}: clips are written as {', '.join(WRITTEN)}")
    content = animated(clip, suffix, record)
    write_atomic(path, content)
    return record is not None and suffix == ".gif"


class FilmWriter:
    """Writes finished films as a codec does, without one."""

    suffix = ".mp4"

    def write(self, item: Frames, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        return write_clip(item, path, record)


def animated(clip: Frames, suffix: str, record: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of a GIF or a WebP, shown again and again."""
    first, *rest = images(clip.pixels)
    more: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {"disposal": 1}
    if suffix == ".gif":
        palette = _palette(clip)
        first, *rest = [
            one.convert("RGB").quantize(palette=palette, dither=0) for one in (first, *rest)
        ]
        if record is not None:
            text = json.dumps(record, sort_keys=True, separators=(",", ":"))
            more["comment"] = MARK + text.encode("ascii")
    buffer = io.BytesIO()
    form = {".gif": "GIF", ".webp": "WEBP"}[suffix]
    # two equal frames are one to pillow, of the time of both: the clock stays
    first.save(
        buffer, form, save_all=True, append_images=rest, duration=times(clip), loop=0, **more
    )
    return buffer.getvalue()


def times(clip: Frames) -> list[int]:
    """Milliseconds of each frame, in the hundredths of a second that a GIF has; no drift."""
    edges = [round(100 * n / clip.rate) for n in range(len(clip) + 1)]
    return [max(10, 10 * (b - a)) for a, b in pairwise(edges)]


def _palette(clip: Frames) -> Any:
    """One for all frames, so that what stands still does not change its colours."""
    pixels = clip.rgb()
    some = pixels[:: max(1, len(pixels) // 16)]
    strip = pillow().fromarray(np.ascontiguousarray(some.reshape(-1, some.shape[2], 3)))
    return strip.quantize(256, dither=0)


def sheet(clip: Frames) -> Any:
    """All frames as equal cells of one picture, row by row."""
    count, height, width, channels = clip.pixels.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:count] = clip.pixels
    board = cells.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    return images([board.reshape(rows * height, columns * width, channels)])[0]


# --- records --------------------------------------------------------------------------------------


def film_record(path: Path) -> dict[str, Any] | None:
    """The record among a film's tags, None where there is none. DataError where it is broken."""
    return embedded(containers.tags(Path(path)).get(containers.KEY), path)


def gif_record(path: Path) -> dict[str, Any] | None:
    """The record in the comment of a GIF."""
    try:
        content = Path(path).read_bytes()
        comment = pillow().open(io.BytesIO(content), formats=FORMATS).info.get("comment", b"")
    except Exception as error:  # hostile bytes raise anything
        raise DataError(f"{path}: {reason(error)}") from None
    if not comment.startswith(MARK) or len(comment) > LARGEST_COMMENT:
        return None
    return embedded(comment.removeprefix(MARK).decode("ascii", "replace"), path)


def clip_hash(path: Path) -> str:
    """SHA-256 of frames, their times and what is heard: the same whatever the file says besides."""
    clip, total = Clip(Path(path), name=str(path)), hashlib.sha256()
    for time, frame in clip.timed():
        total.update(f"{time:.4f} {frame.shape}\n".encode())
        total.update(np.ascontiguousarray(frame).tobytes())
    sound = clip.sound()
    if sound is not None:
        total.update(sample_hash(sound).encode())
    return total.hexdigest()
