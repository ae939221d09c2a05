"""Pictures of any size through a net that looks no further than a few pixels: enlarged, restored,
coloured.

A large picture is made window by window. Each window is given with a margin as wide as the net can
see, which is cut off again, so that the windows fit without a seam and memory is bounded. Knows
models and pictures; no file and no command.
Shape legend: C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from genloom.codec.image import alpha
from genloom.codec.image.pictures import as_picture, pillow
from genloom.codec.image.resize import quantised
from genloom.engine.engine import Engine
from genloom.errors import RequestError, UsageError
from genloom.model import Model
from genloom.spec import Request

if TYPE_CHECKING:
    from PIL import Image

WINDOW = 192  # pixels a side of what is given, without its margin
RECORDED = "enhanced"  # in a record: how
MOST_PIXELS = 256_000_000  # of what is made: about a gigabyte
Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class Window:
    """inner: the part of the given picture that is made. outer: with the margin around it."""

    inner: Box
    outer: Box


class Enhancer:
    """A model at work on whole pictures. window: pixels a side of what is given at a time."""

    def __init__(self, model: Model, window: int = WINDOW) -> None:
        codec: Any = model.codec
        net: Any = dict(model.nets.items()).get("net")
        telling = getattr(codec, "telling", None)
        able = telling is not None and getattr(net, "local", False) and telling.channels(1) == 1
        if not able:
            raise UsageError(
                f"{model.recipe.name} makes no picture out of one of any size: give a model "
                "trained by upscale, upscale-gan, restore or colourise"
            )
        if not 16 <= window <= 4096:
            raise UsageError(f"a window of {window} pixels: give 16 to 4096")
        self.model, self.codec, self.factor = model, codec, telling.factor
        self.step = lcm(int(net.factor), self.factor) // self.factor  # where windows may begin
        self.margin = _up(-(-net.reach // self.factor), self.step)
        self.window = _up(window, self.step)
        self.engine = Engine(model)

    def close(self) -> None:
        self.engine.close()

    def __enter__(self) -> Enhancer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def room(self, size: tuple[int, int], frames: int = 1) -> tuple[int, int]:
        """(width, height) of what is made of such a picture. RequestError where that is too
        much."""
        wide, high = (side * self.factor for side in size)
        if wide * high * frames > MOST_PIXELS:
            told = f"{frames} x " if frames > 1 else ""
            raise RequestError(
                f"{told}{size[0]} x {size[1]} pixels would become {told}{wide} x {high}, more than "
                f"{MOST_PIXELS:,}: cut it, or make it smaller first"
            )
        return wide, high

    def __call__(
        self, picture: Any, told: Callable[[float], None] = lambda share: None
    ) -> Image.Image:
        """The picture enhanced, with its transparency. told: hears the share that is done."""
        image = as_picture(picture).open()
        self.room(image.size)
        layers = self._layers(image)
        made = [
            self._made(layer, lambda share, n=n: told((n + share) / len(layers)))
            for n, layer in enumerate(layers)
        ]
        whole = self._joined(image, made)
        return quantised(whole, self.codec.palette) if self.codec.palette else whole

    # --- layers -----------------------------------------------------------------------------------

    def _layers(self, image: Image.Image) -> list[Image.Image]:
        """The pictures that the net is to be given: a model without transparency is given it as a
        picture of its own, a model of grey each colour."""
        channels = self.codec.spec.channels
        if channels == 4:
            return [image.convert("RGBA")]
        clear = image.mode == "RGBA"
        whole = _filled(image) if clear else image
        parts = [whole]
        if channels == 1 and whole.mode != "L":
            parts = list(whole.convert("RGB").split())
        if clear and self._enlarges():
            parts.append(image.getchannel("A"))
        return parts

    def _joined(self, image: Image.Image, made: list[Image.Image]) -> Image.Image:
        channels = self.codec.spec.channels
        if channels == 4:
            return made[0] if image.mode == "RGBA" else made[0].convert("RGB")
        clear = None
        if image.mode == "RGBA":
            clear = made.pop().convert("L") if self._enlarges() else image.getchannel("A")
        whole = made[0] if len(made) == 1 else pillow().merge("RGB", made)
        if clear is not None:
            whole = whole.convert("RGBA")
            whole.putalpha(clear)
        return whole

    def _enlarges(self) -> bool:
        return self.factor > 1

    # --- windows ----------------------------------------------------------------------------------

    def _made(self, image: Image.Image, told: Callable[[float], None]) -> Image.Image:
        found = list(windows(image.size, self.window, self.margin))
        sheet = None
        for number, window in enumerate(found):
            request = Request(control=image.crop(window.outer))
            part = self._decoded(self.engine.submit(request))
            left, top, right, bottom = (
                (a - b) * self.factor
                for a, b in zip(window.inner, window.outer[:2] * 2, strict=True)
            )
            if sheet is None:
                sheet = pillow().new(part.mode, self.room(image.size))
            corner = (window.inner[0] * self.factor, window.inner[1] * self.factor)
            sheet.paste(part.crop((left, top, right, bottom)), corner)
            told((number + 1) / len(found))
        assert sheet is not None
        return sheet

    def _decoded(self, generation: Any) -> Image.Image:
        """One window; colours are counted when the whole is there."""
        while not generation.complete:
            self.engine.tick()
        if generation.error is not None:
            raise generation.error
        values: Tensor = generation.tensors()[0]
        pixels = values.nan_to_num(nan=-1.0).clamp(-1, 1).permute(1, 2, 0).numpy()
        if pixels.shape[2] == 4:
            return pillow().fromarray(alpha.divided(pixels, self.codec.hard))
        bands = ((pixels + 1) * 127.5).round().astype(np.uint8)
        return pillow().fromarray(bands[:, :, 0] if bands.shape[2] == 1 else bands)


def windows(size: tuple[int, int], window: int, margin: int) -> Iterator[Window]:
    """They cover a picture of size = (width, height) once; their margins end at its edges."""
    wide, high = size
    for top in range(0, high, window):
        for left in range(0, wide, window):
            right, bottom = min(left + window, wide), min(top + window, high)
            outer = (
                max(0, left - margin),
                max(0, top - margin),
                min(wide, right + margin),
                min(high, bottom + margin),
            )
            yield Window((left, top, right, bottom), outer)


def _up(value: int, step: int) -> int:
    """The next multiple."""
    return -(-value // step) * step


def _filled(image: Image.Image) -> Image.Image:
    """RGB of a picture with transparency: colours run on beneath its edges, and the rest takes
    their mean, so that no colour that was never seen bleeds in."""
    pixels = np.asarray(image)
    seen = pixels[..., 3] > 0
    mean = pixels[..., :3][seen].mean(0) if seen.any() else np.full(3, 255.0)
    run = alpha.run_under(np.where(seen[..., None], pixels, 0).astype(np.uint8))
    known = seen | run[..., :3].any(-1)
    colours = np.where(known[..., None], run[..., :3], mean.round().astype(np.uint8))
    return pillow().fromarray(colours.astype(np.uint8))
