"""One clip: where it lies, what it is called, and how its frames are had on an even clock.

Files with a clock of their own (GIF, WebP, APNG by pillow; MP4, WebM and others by PyAV), pictures,
and arrays. Knows no folder layout and no tensor.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from genloom.codec.image.animations import Animation
from genloom.codec.image.pictures import SUFFIXES as PICTURES
from genloom.codec.image.pictures import Picture, pillow
from genloom.codec.image.resize import flattened
from genloom.codec.shelves import MAX_BYTES, Member
from genloom.codec.video import containers
from genloom.codec.video.frames import Frames, Timed, clocked, placed
from genloom.errors import DataError

MOVING = frozenset({".gif", ".webp", ".png", ".apng"})  # by pillow
SUFFIXES = containers.SUFFIXES | {".gif", ".webp", ".apng"}
USUAL = 8.0  # frames a second, where nothing says
MOST_PIXELS = 1 << 29  # of all frames of a clip that is opened whole: half a gigabyte a channel
HELD = "white"  # what shows through transparent places


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip that is opened when it is needed.

    source: a path, a member of an archive, the bytes of a file, Frames, or a Picture (one frame).
    begin: seconds of it that are left out. credit: who made it, where that is told.
    """

    source: Any
    caption: str | None = None
    name: str = ""
    credit: str = ""
    begin: float = 0.0

    @property
    def called(self) -> str:
        return self.name or "the clip"

    def timed(self) -> Iterator[Timed]:
        """Each frame with the second at which it begins. DataError where it is broken."""
        source = self.source
        if isinstance(source, Frames):
            yield from source.timed()
        elif isinstance(source, Picture):
            yield 0.0, array_of(source.open())
        else:
            yield from self._decoded(_content(source, self.called))

    def _decoded(self, content: Path | bytes) -> Iterator[Timed]:
        head = containers.head(content)
        if containers.is_container(head):
            yield from containers.decoded(content, self.called, self.begin)
            return
        data = content.read_bytes() if isinstance(content, Path) else content
        animation = Animation.of_bytes(data, self.called)
        if animation is None:
            yield 0.0, array_of(Picture(data, name=self.called).open())
            return
        at = 0.0
        for image, milliseconds in animation.frames():
            yield at, array_of(image)
            at += max(milliseconds, 10) / 1000

    def frames(self, rate: float, count: int) -> np.ndarray:
        """uint8 [T, H, W, C], T <= count: what is seen at the ticks of an even clock."""
        try:
            return np.stack(clocked(self.timed(), rate, count, self.begin))
        except DataError as error:
            raise self._named(error) from None

    def placed(self, rate: float, count: int) -> dict[int, np.ndarray]:
        """Its frames by the nearest tick of the clock; see `frames.placed`."""
        try:
            return placed(self.timed(), rate, count)
        except DataError as error:
            raise self._named(error) from None

    def open(self) -> Frames:
        """All of it at its own rate, with its sound. DataError where it is broken or too long."""
        if isinstance(self.source, Frames):
            return self.source
        rate = self.rate() or USUAL
        shape, size = None, 0
        kept: list[Timed] = []
        for time, frame in self.timed():
            size += frame.size
            if size > MOST_PIXELS or (shape and frame.shape != shape):
                raise DataError(
                    f"{self.called}: more than {MOST_PIXELS:,} numbers or frames of several sizes; "
                    "cut it, or make it smaller"
                )
            shape = frame.shape
            kept.append((time, frame))
        pixels = np.stack(clocked(kept, rate, 1 << 20, self.begin))
        return Frames(pixels, rate, self.sound())

    def sound(self) -> Any:
        """What is heard with it, None for nothing."""
        if isinstance(self.source, Frames):
            return self.source.sound
        if isinstance(self.source, Picture):
            return None
        content = _content(self.source, self.called)
        return containers.sound(content, self.called) if self.contained() else None

    def contained(self) -> bool:
        """Whether it lies in a container of films (MP4, WebM ...)."""
        if isinstance(self.source, Frames | Picture):
            return False
        return containers.is_container(containers.head(_content(self.source, self.called)))

    def rate(self) -> float | None:
        """Frames a second, the usual ones where they vary; None for a single frame."""
        if isinstance(self.source, Frames):
            return self.source.rate
        if isinstance(self.source, Picture):
            return None
        content = _content(self.source, self.called)
        if containers.is_container(containers.head(content)):
            return containers.rate(content, self.called)
        times = [time for time, _ in self.timed()]
        steps = sorted(b - a for a, b in pairwise(times))
        return min(120.0, 1 / steps[len(steps) // 2]) if steps else None

    def seconds(self) -> float | None:
        """How long it is, where that is known without decoding all of it."""
        if isinstance(self.source, Frames):
            return self.source.seconds
        if not self.contained():
            return None
        return containers.seconds(_content(self.source, self.called), self.called)

    def first(self) -> np.ndarray:
        """uint8 [H, W, C]: the first frame. DataError where there is none."""
        found = next(iter(self.timed()), None)
        if found is None:
            raise DataError(f"{self.called}: it holds no frame")
        return found[1]

    def later(self, begin: float) -> Clip:
        """The same from a second on."""
        return replace(self, begin=begin)

    def _named(self, error: DataError) -> DataError:
        text = str(error)
        return error if text.startswith(self.called) else DataError(f"{self.called}: {text}")


def as_clip(item: Any) -> Clip:
    """Clips as they are; a path, bytes, a pillow image, Frames, or uint8 [T, H, W] or [T, H, W, C]
    wrapped. DataError for anything else."""
    if isinstance(item, Clip):
        return item
    if isinstance(item, Picture):
        return Clip(item, item.caption, item.name)
    if isinstance(item, str | Path):
        return Clip(Path(item), name=str(item))
    if isinstance(item, Frames | bytes):
        return Clip(item)
    if isinstance(item, np.ndarray):
        return Clip(Frames(item[..., None] if item.ndim == 3 else item, USUAL))
    if hasattr(item, "tobytes") and hasattr(item, "mode"):
        return Clip(Picture(item))
    raise DataError(f"a clip was expected, not {type(item).__name__}: give a file of a film")


def is_clip(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def is_still(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURES


def _content(source: Any, name: str) -> Path | bytes:
    """A path stays one, so that a large file is not read whole; archives' members are bytes."""
    if isinstance(source, Member):
        return source.read_bytes()
    if isinstance(source, bytes):
        return source
    if not isinstance(source, Path):
        raise DataError(f"{name}: a file of a film was expected, not {type(source).__name__}")
    path = source.expanduser()
    if not path.is_file():
        raise DataError(f"{name}: there is no such file")
    if not path.stat().st_size:
        raise DataError(f"{name}: the file is empty")
    if path.suffix.lower() in MOVING and path.stat().st_size > MAX_BYTES:
        raise DataError(f"{name}: {path.stat().st_size:,} bytes is too large")
    return path


def array_of(image: Any) -> np.ndarray:
    """uint8 [H, W, 1 or 3] of a pillow image."""
    mode = "L" if image.mode == "L" else "RGB"
    pixels = np.asarray(flattened(image, mode, HELD))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def images(pixels: Iterable[np.ndarray]) -> list[Any]:
    """Pillow images of frames [H, W, C]."""
    kept = (one[..., 0] if one.shape[2] == 1 else one for one in pixels)
    return [pillow().fromarray(np.ascontiguousarray(one)) for one in kept]


def buffered(content: Path | bytes) -> Any:
    return str(content) if isinstance(content, Path) else io.BytesIO(content)
