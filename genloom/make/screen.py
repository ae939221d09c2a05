"""What stands on the screen of a film: pictures in its size, titles, and what is being said.

Knows pillow images, words and seconds; not where pictures come from.
Shape legend: T frames, H rows, W columns.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.sound.wave import Sound
from genloom.speech.subtitles import Cue

PAPER, INK, BAND = (255, 255, 255), (38, 40, 52), (20, 22, 30)
ZOOM = 0.08  # by which a still grows while it is seen
DRIFT = 12.0  # seconds in which it does


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A film whose frames are drawn when they are asked for. draw: second -> uint8 [H, W, 3]."""

    size: tuple[int, int]
    rate: float
    seconds: float
    draw: Callable[[float], np.ndarray]
    sound: Sound | None = None

    def seen(self) -> Iterator[np.ndarray]:
        for n in range(max(1, round(self.seconds * self.rate))):
            yield self.draw((n + 0.5) / self.rate)


def covering(frame: np.ndarray, size: tuple[int, int], zoom: float = 1.0) -> Any:
    """A pillow image of this size, filled by the middle of the frame [H, W, 3], enlarged so far."""
    image = _image(frame)
    width, height = size
    scale = min(image.width / width, image.height / height) / zoom
    wide, high = width * scale, height * scale
    left, top = (image.width - wide) / 2, (image.height - high) / 2
    box = (left, top, left + wide, top + high)
    return image.resize(size, _how(1 / scale), box=box)


def within(frame: np.ndarray, size: tuple[int, int]) -> Any:
    """A pillow image of the whole frame, as large as this size allows."""
    image = _image(frame)
    factor = min(size[0] / image.width, size[1] / image.height)
    factor = float(int(factor)) if factor >= 2 else factor
    sides = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(sides, _how(factor))


def _how(factor: float) -> Any:
    """Small pictures are drawn in squares, as pixel art is; others smoothly."""
    from PIL import Image

    return Image.Resampling.NEAREST if factor >= 2 else Image.Resampling.BICUBIC


def _image(frame: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(frame))


def drifting(at: float) -> float:
    """How far a still is enlarged after so many seconds."""
    return 1 + ZOOM * min(1.0, at / DRIFT)


def slide(title: str, frame: np.ndarray | None, size: tuple[int, int]) -> Any:
    """A page: the title above, the picture below it; alone where there is none."""
    from PIL import Image, ImageDraw

    page = Image.new("RGB", size, PAPER)
    pen, (width, height) = ImageDraw.Draw(page), size
    font = _font(height // 11)
    lines = _lines(title, font, width * 0.9)[:3]
    step = font.size * 1.25
    top = height * 0.07 if frame is not None else (height - step * len(lines)) / 2
    for number, line in enumerate(lines):
        wide = font.getlength(line)
        pen.text(((width - wide) / 2, top + number * step), line, fill=INK, font=font)
    if frame is not None:
        top += step * len(lines) + height * 0.03
        shown = within(frame, (round(width * 0.8), max(8, round(height * 0.82 - top))))
        page.paste(shown, ((width - shown.width) // 2, round(top)))
    return page


def subtitled(page: Any, cue: Cue | None) -> np.ndarray:
    """uint8 [H, W, 3]: the page with what is being said on a band at the foot."""
    from PIL import Image, ImageDraw

    if cue is None:
        return np.asarray(page)
    width, height = page.size
    font = _font(max(10, height // 20))
    lines = [part for line in cue.text.split("\n") for part in _lines(line, font, width * 0.94)]
    step = font.size * 1.2
    top = round(height - step * len(lines) - height * 0.035)
    made = page.copy()
    band = made.crop((0, top - 6, width, height))
    made.paste(Image.blend(band, Image.new("RGB", band.size, BAND), 0.72), (0, top - 6))
    pen = ImageDraw.Draw(made)
    for number, line in enumerate(lines):
        wide = font.getlength(line)
        pen.text(((width - wide) / 2, top + number * step), line, fill=(255, 255, 255), font=font)
    return np.asarray(made)


class Said:
    """Which subtitle is seen at a second."""

    def __init__(self, cues: Sequence[Cue]) -> None:
        self.cues, self.begins = list(cues), [cue.begin for cue in cues]

    def at(self, second: float) -> Cue | None:
        place = bisect_right(self.begins, second) - 1
        found = self.cues[place] if place >= 0 else None
        return found if found is not None and second < found.end else None


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _lines(text: str, font: Any, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]
