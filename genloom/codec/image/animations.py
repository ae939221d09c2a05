"""Moving pictures in one file (GIF, WebP, APNG): read frame by frame, written with their times.

Knows pillow's animations and their limits; no tensor and no model.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.codec.image.pictures import (
    FORMATS,
    MAX_BYTES,
    MAX_PIXELS,
    bombs_are_errors,
    pillow,
    reason,
)
from genloom.codec.saving import write_atomic
from genloom.errors import DataError, RequestError

if TYPE_CHECKING:
    from PIL import Image

MOST_FRAMES = 10_000
KEPT = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG"}  # what is written with several frames
USUAL = 100  # milliseconds a frame, where none are told


@dataclass(frozen=True)
class Animation:
    """content: of the file. size: (width, height). loop: how often it is shown, 0 for ever."""

    content: bytes
    name: str
    size: tuple[int, int]
    count: int
    loop: int

    @classmethod
    def of(cls, path: Path) -> Animation | None:
        """Of a file with several frames; None where it has one. DataError where it is broken."""
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path.name}: {path.stat().st_size:,} bytes is too large")
        return cls.of_bytes(path.read_bytes(), path.name)

    @classmethod
    def of_bytes(cls, content: bytes, name: str) -> Animation | None:
        """The same of what is read already."""
        with _explained(name), bombs_are_errors():
            image = pillow().open(io.BytesIO(content), formats=FORMATS)
            count = getattr(image, "n_frames", 1)
            loop = image.info.get("loop", 1 if image.format in ("GIF",) else 0)
        if count < 2 or not getattr(image, "is_animated", False):
            return None
        if count > MOST_FRAMES or image.width * image.height > MAX_PIXELS:
            raise DataError(
                f"{name}: {count:,} frames of {image.width} x {image.height} pixels; at most "
                f"{MOST_FRAMES:,} of {MAX_PIXELS:,} are decoded"
            )
        return cls(content, name, image.size, count, int(loop))

    def frames(self) -> Iterator[tuple[Image.Image, int]]:
        """Each whole frame, RGB or RGBA, and for how many milliseconds it is shown."""
        image = pillow().open(io.BytesIO(self.content), formats=FORMATS)
        for number in range(self.count):
            with _explained(f"{self.name}, frame {number + 1}"), bombs_are_errors():
                image.seek(number)
                clear = image.has_transparency_data or image.mode == "RGBA"
                frame = image.convert("RGBA" if clear else "RGB")
            yield frame, int(image.info.get("duration") or USUAL)


class _explained:
    """Whatever hostile bytes raise becomes one line."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, DataError):
            raise DataError(f"{self.name}: {reason(error)}") from None


def moved(
    animation: Animation, work: Callable[[Image.Image, int], Image.Image]
) -> tuple[list[Image.Image], list[int]]:
    """Every frame after `work(frame, number)`, and its time; a frame that is the one before takes
    no work."""
    made: list[Image.Image] = []
    times: list[int] = []
    before = None
    for number, (frame, time) in enumerate(animation.frames()):
        same = before is not None and before.mode == frame.mode
        same = same and before.tobytes() == frame.tobytes()  # type: ignore[union-attr]
        made.append(made[-1] if same else work(frame, number))
        times.append(time)
        before = frame
    return made, times


class Moving:
    """Writes frames as one file, by its suffix."""

    suffix = ".gif"

    def __init__(self, times: list[int], loop: int) -> None:
        self.times, self.loop = times, loop

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """The record is left to the side-car; returns whether it went into the file."""
        form = KEPT.get(Path(path).suffix.lower())
        if form is None:
            raise RequestError(f"{path}: moving pictures are written as .gif, .webp or .png")
        buffer = io.BytesIO()
        first, *rest = item
        more: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}
        if form == "GIF":
            more = {"disposal": 2}
        if form != "GIF" or self.loop != 1:
            more["loop"] = self.loop
        first.save(buffer, form, save_all=True, append_images=rest, duration=self.times, **more)
        write_atomic(Path(path), buffer.getvalue())
        return False
