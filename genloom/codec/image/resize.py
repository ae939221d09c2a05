"""Bringing a plain picture to a mode and a size: alpha, cropping, padding and the choice of filter.

Knows pillow images only: no file, no tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genloom.codec.image.pictures import pillow
from genloom.errors import RecipeError

if TYPE_CHECKING:
    from PIL import Image


def colour(name: str) -> tuple[int, ...]:
    """A name or "#rrggbb" as numbers. RecipeError where it is none."""
    pillow()
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(name)
    except ValueError:
        raise RecipeError(f"codec.background {name!r} is no colour: try white") from None


def flattened(image: Image.Image, mode: str, background: str) -> Image.Image:
    """The picture in the codec's mode; transparency is filled where the mode has none."""
    if image.mode == "RGBA" and mode != "RGBA":
        base = pillow().new("RGBA", image.size, colour(background))
        image = pillow().alpha_composite(base, image)
    return image if image.mode == mode else image.convert(mode)


def resized(
    image: Image.Image, size: tuple[int, int], fit: str, pixel: bool = False
) -> Image.Image:
    """The picture at `size` = (width, height), by one of the three ways of fitting. pixel: pixels
    are taken as they are, never blended."""
    if image.size == size:
        return image
    if fit == "pad":
        return _padded(image, size, pixel)
    box = (0.0, 0.0, float(image.width), float(image.height))
    if fit == "crop":
        scale = min(image.width / size[0], image.height / size[1])
        wide, high = size[0] * scale, size[1] * scale
        left, top = round((image.width - wide) / 2), round((image.height - high) / 2)
        box = (left, top, min(left + wide, image.width), min(top + high, image.height))
    return image.resize(size, _filter(box, size, pixel), box=box)


def quantised(image: Image.Image, colours: int) -> Image.Image:
    """The picture in so many colours at most, without dithering; alpha stays."""
    flat = image.convert("RGB").quantize(colours, kmeans=3, dither=pillow().Dither.NONE)
    made = flat.convert(image.mode)
    if image.mode == "RGBA":
        made.putalpha(image.getchannel("A"))
    return made


def _filter(box: tuple[float, ...], size: tuple[int, int], pixel: bool) -> Any:
    """Whole factors keep pixel art exact: averages when shrinking, copies when enlarging."""
    resampling = pillow().Resampling
    if pixel:
        return resampling.NEAREST
    across, down = (box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]
    if across >= 1 and down >= 1:
        exact = across == round(across) and down == round(down)
        return resampling.BOX if exact else resampling.LANCZOS
    exact = 1 / across == round(1 / across) and 1 / down == round(1 / down)
    return resampling.NEAREST if exact else resampling.BICUBIC


def _padded(image: Image.Image, size: tuple[int, int], pixel: bool) -> Image.Image:
    factor = min(size[0] / image.width, size[1] / image.height)
    factor = float(int(factor)) if factor >= 1 else factor
    inner = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    if inner != image.size:
        image = image.resize(inner, _filter((0, 0, *image.size), inner, pixel))
    sheet = pillow().new(image.mode, size, _edge_colour(image))
    sheet.paste(image, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return sheet


def _edge_colour(image: Image.Image) -> tuple[int, ...]:
    """The median of the border, so that a digit on black stays on black; RGBA pads with nothing."""
    if image.mode == "RGBA":
        return (0, 0, 0, 0)
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return tuple(int(v) for v in np.median(border, axis=0))
