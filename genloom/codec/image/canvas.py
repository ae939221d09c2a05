"""Given pictures brought onto the grid that is to be made: what a request begins from, which of it
is made anew, and the room around it.

Knows pictures, masks and sides; no prompt, no net and no sampler.
Shape legend: C channels, H rows, W columns; values [-1, 1]; fresh is 1 where it is made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from genloom.codec.image.pictures import Picture, as_picture, pillow
from genloom.codec.image.resize import flattened, resized
from genloom.errors import DataError, RequestError

if TYPE_CHECKING:
    from PIL import Image

SIDES = (4, 4096)
HALF = 128  # of a mask's 255: from here on it means "anew"
Margins = tuple[int, int, int, int]  # top, right, bottom, left


def grid_of(size: tuple[int, int]) -> tuple[int, int]:
    """The grid of a picture of (height, width). RequestError where it is none to make."""
    low, high = SIDES
    if not all(low <= side <= high for side in size):
        raise RequestError(
            f"{size[1]} x {size[0]} is no size to make: {low} to {high} pixels a side are expected",
            param="size",
        )
    return size


def given(item: Any) -> Picture:
    """A picture that opens. RequestError where it does not."""
    return Picture(_opened("the given picture", item))


def begun(pixels: np.ndarray) -> Tensor:
    """[H, W, C] as `ImageCodec.encode` has them -> float [C, H, W]."""
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    return x / 127.5 - 1 if x.dtype == torch.uint8 else x


def fresh(mask: Any, grid: tuple[int, ...], fit: str, item: Any = None) -> Tensor:
    """float [H, W]: 1 where the mask is white. One of another size than the item is stretched onto
    it, to the nearest pixel; then both are brought to the grid in the same way."""
    image = _opened("the mask", mask)
    made = flattened(image, "RGBA", "black").convert("RGBA")
    board = pillow().new("RGBA", made.size, (0, 0, 0, 255))
    grey = pillow().alpha_composite(board, made).convert("L")
    size = None if item is None else _opened("the given picture", item).size
    if size is not None and grey.size != size:
        grey = grey.resize(size, pillow().Resampling.NEAREST)
    found = _onto(grey, grid, fit)
    if not bool(found.any()):
        raise RequestError(
            "the mask is black everywhere, so nothing is to be made anew: paint white what is"
        )
    return found


def holes(item: Any, grid: tuple[int, ...], fit: str) -> Tensor | None:
    """float [H, W]: 1 where the picture is transparent; None where it is so nowhere."""
    image = _opened("the given picture", item)
    if image.mode != "RGBA":
        return None
    clear = image.getchannel("A").point([255] + [0] * 255)
    found = _onto(clear, grid, fit)
    return found if bool(found.any()) else None


def _onto(grey: Image.Image, grid: tuple[int, ...], fit: str) -> Tensor:
    """A mask on the grid; what padding adds around it stays as it is."""
    height, width = grid
    opaque = pillow().merge("RGBA", (grey, grey, grey, pillow().new("L", grey.size, 255)))
    bands = np.asarray(resized(opaque, (width, height), fit))
    return torch.from_numpy((bands[..., 0] >= HALF).astype(np.float32))


def surrounded(item: Tensor, anew: Tensor | None, margins: Margins) -> tuple[Tensor, Tensor]:
    """The item [C, H, W] and what of it is made anew [H, W], with room around it that is made
    anew; its edges are drawn out into the room, for those who do not begin from noise alone."""
    top, right, bottom, left = margins
    around = (left, right, top, bottom)
    inner = torch.zeros(item.shape[1:]) if anew is None else anew
    wide = torch.nn.functional.pad(item[None], around, mode="replicate")[0]
    return wide, torch.nn.functional.pad(inner, around, value=1.0)


def _opened(what: str, item: Any) -> Image.Image:
    picture: Picture = as_picture(item)
    try:
        return picture.open()
    except DataError as error:
        raise RequestError(f"{what}: {error}") from None
