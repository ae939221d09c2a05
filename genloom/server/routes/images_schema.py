"""The bodies of /v1/images/*: every documented field, and those of `extra_body`.

Knows names, types and ranges, and what no model here can do; not what a picture is made of.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from genloom.server.routes.sampling import LARGEST_SEED
from genloom.server.schema import Asked, note_ignored, refused

MOST_PICTURES, MOST_WORDS, MOST_PARTIAL = 10, 32_000, 3
SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)

Words = Annotated[str, Field(max_length=MOST_WORDS)]
Scale = Annotated[float, Field(ge=0, le=100)]
Steps = Annotated[int, Field(ge=1, le=10_000)]
# The client's field -> the option of a request; a later one of the same option wins.
OPTIONS = {
    "steps": "steps",
    "num_inference_steps": "steps",
    "guidance": "guidance",
    "guidance_scale": "guidance",
    "negative_prompt": "negative",
    "strength": "strength",
    "solver": "solver",
    "seamless": "seamless",
    "truncation": "truncation",
    "outpaint": "outpaint",
}
# What is asked of other services alone; a sentence each.
REFUSED = {
    "style": "say the style in the prompt",
    "complexity": "nothing is planned before a picture is made here: leave it out",
    "frame_count": "single pictures are made here",
    "frame_duration_ms": "single pictures are made here",
    "svg": "pictures are made of pixels here",
    "input_fidelity": "say `strength`, 0 (as given) to 1 (all anew), by extra_body",
    "markup": "send a mask",
}
HARMLESS = ("moderation",)  # nothing is filtered, so nothing changes
OWN_QUALITY = ("auto", "standard", "medium")


class Drawing(Asked):
    """What generations and edits share. seed and what follows it come by `extra_body`."""

    model: str | None = None
    n: Annotated[int, Field(ge=1, le=MOST_PICTURES)] | None = None
    size: str | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"] | None = (
        None
    )
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | None = None
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Field(ge=0, le=MOST_PARTIAL)] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    complexity: str | None = None
    frame_count: int | None = None
    frame_duration_ms: int | None = None
    svg: Any = None
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    steps: Steps | None = None
    num_inference_steps: Steps | None = None
    guidance: Scale | None = None
    guidance_scale: Scale | None = None
    negative_prompt: Words | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    solver: str | None = None
    seamless: bool | None = None
    truncation: Annotated[float, Field(ge=0, le=2)] | None = None
    outpaint: (
        Annotated[list[Annotated[int, Field(ge=0, le=4096)]], Field(min_length=4, max_length=4)]
        | None
    ) = None


class Generation(Drawing):
    """An empty prompt is none: for models that take none."""

    prompt: Words
    style: Literal["vivid", "natural"] | None = None
    moderation: Literal["low", "auto"] | None = None


class Edit(Drawing):
    """image, images and mask come as files of a form, or in JSON as URLs or ids of files."""

    prompt: Words = ""
    image: Any = None
    images: list[Any] | None = None
    mask: Any = None
    input_fidelity: Literal["high", "low"] | None = None
    markup: Any = None


class Variation(Drawing):
    image: Any = None


def options_of(body: Drawing) -> dict[str, Any]:
    """Options of the request. Failure names the field that cannot be honoured."""
    for field, why in REFUSED.items():
        if getattr(body, field, None) is not None:
            raise refused(field, why)
    if body.quality is not None and body.quality not in OWN_QUALITY:
        raise refused("quality", "a model has one quality of its own here: say `steps` instead")
    note_ignored(*(name for name in HARMLESS if getattr(body, name, None) is not None))
    if body.partial_images and not body.stream:
        raise refused("partial_images", "partial pictures come with `stream` alone")
    given = {
        option: getattr(body, field)
        for field, option in OPTIONS.items()
        if getattr(body, field) is not None
    }
    size = size_of(body.size)
    return given if size is None else {**given, "size": size}


def size_of(size: str | None) -> list[int] | None:
    """[height, width]; None leaves it to the model."""
    if size in (None, "auto"):
        return None
    found = SIZE.fullmatch(size)
    if found is None:
        raise refused("size", "WIDTHxHEIGHT in pixels or auto is expected, such as 64x64")
    return [int(found[2]), int(found[1])]


def seed_of(seed: int | None) -> int:
    """The seed that was asked for, or a new one, which the answer tells."""
    return secrets.randbelow(1 << 31) if seed is None else seed


def sides(about: Mapping[str, Any]) -> list[str]:
    """The sizes that a model says it makes, as clients write them."""
    return [f"{grid[1]}x{grid[0]}" for grid in about.get("grids", ()) if len(grid) == 2]
