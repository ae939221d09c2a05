"""Flags of `genloom generate` that are about pictures and what is given, and how they are read.

Knows how they are written on a command line; what they mean is in `spec.Options` and
`spec.Request`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclopts import Parameter

from genloom.cli.sampling import biases
from genloom.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """Flags that pictures are made with, and texts out of recordings.

    Parameters
    ----------
    image
        A picture to begin from; where it is transparent, it is made anew.
    item
        What a model is given that makes something else of it: a recording, for a recogniser.
    mask
        A picture, white where the given one is made anew; the rest of it stays.
    control
        A picture that tells the model what to make besides the prompt.
    strength
        How much of the given picture is made anew: 0 nothing, 1 everything.
    outpaint
        TOP,RIGHT,BOTTOM,LEFT: so many pixels are made around the given picture.
    negative
        A prompt to keep away from.
    seamless
        Opposite edges fit together.
    size
        WIDTHxHEIGHT in pixels, where a model makes more than one size.
    truncation
        How far latents may be from their mean; 1 is the whole spread.
    direction
        NUMBER=AMOUNT: move latents along a direction that `genloom directions` shows; may be
        repeated.
    towards
        A prompt to go to: -n frames lead from the one prompt to the other.
    towards_seed
        A seed to go to, likewise.
    guide
        A weaker model of the same data, for guidance to lead away from.
    guidance_interval
        LOW,HIGH: the times within which guidance acts, of 0 (finished) to 1 (noise).
    save_steps
        A file for a strip of the picture in the making.
    sheet
        All pictures as frames of one transparent sheet, with a list of frames (.json) beside it.
    columns
        Frames in a row of the sheet.
    """

    image: str | None = None
    item: str | None = None
    mask: str | None = None
    control: str | None = None
    strength: float | None = None
    outpaint: str | None = None
    negative: str | None = None
    seamless: bool = False
    size: str | None = None
    truncation: float | None = None
    direction: list[str] | None = None
    towards: str | None = None
    towards_seed: int | None = None
    guide: str | None = None
    guidance_interval: str | None = None
    save_steps: str | None = None
    sheet: bool = False
    columns: int | None = None

    def fields(self) -> dict[str, Any]:
        """What `api.request_of` takes."""
        if self.image is not None and self.item is not None:
            raise UsageError("--image and --item both say what is given: leave one out")
        return {
            "item": _file("--image", self.image) or _file("--item", self.item, "a file"),
            "mask": _file("--mask", self.mask),
            "control": _file("--control", self.control),
            "strength": self.strength,
            "outpaint": _numbers("--outpaint", self.outpaint, int, "0,16,0,16"),
            "negative": self.negative,
            "seamless": self.seamless or None,
            "size": _size(self.size),
            "truncation": self.truncation,
            "directions": biases(self.direction, "--direction", "1=-2.5"),
            "towards": self.towards,
            "towards_seed": self.towards_seed,
            "guidance_interval": _numbers(
                "--guidance-interval", self.guidance_interval, float, "0.2,0.8"
            ),
        }


def _file(flag: str, given: str | None, what: str = "a picture") -> Path | None:
    if given is None:
        return None
    path = Path(given).expanduser()
    if not path.is_file():
        raise UsageError(f"{flag} {given}: there is no such file: give {what}")
    return path


def _size(given: str | None) -> Sequence[int] | None:
    """(height, width) of "WIDTHxHEIGHT", or of the side of a square."""
    if given is None:
        return None
    sides = given.lower().split("x")
    try:
        width, height = map(int, sides if len(sides) > 1 else sides * 2)
    except ValueError:
        raise UsageError(f"--size {given}: give WIDTHxHEIGHT, such as 64x32") from None
    return height, width


def _numbers(flag: str, given: str | None, kind: type, example: str) -> tuple[Any, ...] | None:
    if given is None:
        return None
    try:
        return tuple(kind(part) for part in given.split(","))
    except ValueError:
        raise UsageError(f"{flag} {given}: give numbers, such as {example}") from None
