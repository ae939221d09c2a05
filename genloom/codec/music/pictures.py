"""Scores as files of pictures, with the record inside: SVG as it is engraved, PNG drawn of it.

Knows formats; what is engraved is the business of music/engraving. The words in a PNG (title, part
names) are drawn in a font of the machine, if it has one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from genloom.codec.image.files import png_bytes
from genloom.codec.image.pictures import pillow
from genloom.codec.image.tracing import metadata
from genloom.errors import DataError, MissingExtra
from genloom.music.engraving import engraved
from genloom.music.score import Score

ACROSS = 1_600  # pixels
FONT = "DejaVu Serif"


def score_svg(score: Score, record: Mapping[str, Any] | None = None) -> bytes:
    """The record stands in the metadata, where other drawings have theirs."""
    head, opened, rest = engraved(score).partition(">")
    lines = [head + opened, *metadata(record)]
    return ("\n".join(lines) + rest).encode()


def score_png(score: Score, record: Mapping[str, Any] | None = None) -> bytes:
    """On white, `ACROSS` pixels wide."""
    svg = engraved(score)
    try:
        import resvg_py
    except ImportError:
        raise MissingExtra("resvg_py", "svg") from None
    try:
        made = resvg_py.svg_to_bytes(
            svg_string=svg, width=ACROSS, background="white", serif_family=FONT
        )
    except ValueError as error:
        raise DataError(f"the score cannot be drawn ({error}): write it as .svg") from None
    with pillow().open(io.BytesIO(bytes(made))) as picture:
        return png_bytes(picture.convert("L").convert("P", colors=16), record)
