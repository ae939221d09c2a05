"""Frames of a moving picture with the times at which they begin, put on an even clock.

Knows arrays and seconds: no file, no tensor, no net.
Shape legend: T frames, H rows, W columns, C channels (1 grey, 3 RGB).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

import numpy as np

from genloom.errors import DataError
from genloom.sound.wave import Sound

RATES = (0.1, 240.0)  # frames a second
NEARLY = 1e-3  # of a frame: a time that is so near the next frame's counts as that frame's

Timed = tuple[float, np.ndarray]  # seconds at which it begins, uint8 [H, W, C]


class Reel(Protocol):
    """Frames one after another, which need not all be there at once."""

    @property
    def rate(self) -> float: ...

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def sound(self) -> Sound | None: ...

    def seen(self) -> Iterator[np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class Frames:
    """pixels: uint8 [T, H, W, C]; rate: frames a second; sound: what is heard with them."""

    pixels: np.ndarray
    rate: float
    sound: Sound | None = None

    def __post_init__(self) -> None:
        p, (low, high) = self.pixels, RATES
        if p.ndim != 4 or p.dtype != np.uint8 or not p.size or p.shape[3] not in (1, 3):
            raise DataError(
                f"frames of the shape {p.shape} and type {p.dtype}: uint8 [T, H, W, 1 or 3] with "
                "at least one frame is expected"
            )
        if not low <= self.rate <= high:
            raise DataError(f"{self.rate:g} frames a second: {low:g} to {high:g} are expected")

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def seconds(self) -> float:
        return len(self.pixels) / self.rate

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as sizes of pictures are written."""
        return self.pixels.shape[2], self.pixels.shape[1]

    def timed(self) -> Iterator[Timed]:
        return ((n / self.rate, one) for n, one in enumerate(self.pixels))

    def seen(self) -> Iterator[np.ndarray]:
        """Each frame as uint8 [H, W, 3]."""
        return iter(self.rgb())

    def rgb(self) -> np.ndarray:
        """uint8 [T, H, W, 3]."""
        return self.pixels if self.pixels.shape[3] == 3 else self.pixels.repeat(3, 3)


def worked(frames: Frames, work: Callable[[np.ndarray, int], np.ndarray]) -> Frames:
    """Every frame after `work(frame [H, W, C], number)`, on the same clock and with the same sound;
    a frame that is the one before takes no work."""
    made: list[np.ndarray] = []
    for number, frame in enumerate(frames.pixels):
        same = number > 0 and np.array_equal(frame, frames.pixels[number - 1])
        made.append(made[-1] if same else work(frame, number))
    return Frames(np.stack(made), frames.rate, frames.sound)


def clocked(
    timed: Iterable[Timed], rate: float, count: int, begin: float = 0.0
) -> list[np.ndarray]:
    """At each tick of an even clock (begin + n / rate) the frame that is seen then, at most `count`
    of them; a clip whose last frame begins before the last tick ends there.

    Frames whose times go back (as broken files have them) are left out. DataError for none.
    """
    made: list[np.ndarray] = []
    ending = [(float("inf"), np.empty(0))]
    seen, last, step = None, -1.0, 0.0
    for time, frame in chain(timed, ending):
        if time <= last and seen is not None:
            continue
        at_end = time == float("inf")
        # the last frame is seen as long as the one before it was
        until = (last + step if step else last + 1 / rate) if at_end and seen is not None else time
        while seen is not None and len(made) < count:
            tick = begin + len(made) / rate
            if tick >= until - NEARLY / rate:
                break
            made.append(seen)
        if len(made) >= count or at_end:
            break
        step = time - last if seen is not None else 0.0
        seen, last = frame, time
    if not made:
        raise DataError("it holds no frame")
    return made


def placed(timed: Iterable[Timed], rate: float, count: int) -> dict[int, np.ndarray]:
    """Frames by the tick of the clock that is nearest to their own time: a picture is tick 0, a
    clip of half the rate every second tick. Of more than fit, the last half of the ticks is taken,
    from tick 0 on."""
    found: dict[int, np.ndarray] = {}
    for time, frame in islice(timed, 1 << 20):
        found.setdefault(round(time * rate), frame)
    if not found:
        raise DataError("it holds no frame")
    last = max(found)
    if last < count:
        return found
    first = last + 1 - max(1, count // 2)
    return {tick - first: frame for tick, frame in found.items() if tick >= first}
