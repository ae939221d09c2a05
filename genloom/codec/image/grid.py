"""A sheet of pictures for people to look at, with an optional label under each.

Small pictures are enlarged by a whole factor, so that every pixel stays sharp. Knows pillow images
only: no tensor, no file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genloom.codec.image.pictures import pillow
from genloom.errors import DataError

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

CELL = 96  # pixels of a cell that small pictures are enlarged to
GAP = 6
PAPER, INK = (246, 246, 244), (40, 40, 44)
LINE, LINES = 13, 3


def grid(
    images: Sequence[Image.Image],
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    cell: int = CELL,
) -> Image.Image:
    """One RGB sheet. Pictures larger than `cell` are shrunk, smaller ones enlarged by n times."""
    if not images:
        raise DataError("a grid needs at least one picture")
    shown = [_fit(image, cell) for image in images]
    width, height = (max(getattr(i, side) for i in shown) for side in ("width", "height"))
    columns = columns or min(len(shown), max(1, math.ceil(math.sqrt(len(shown) * 1.6))))
    rows = math.ceil(len(shown) / columns)
    texts = [_wrapped(c, width) for c in captions] if captions else [[]] * len(shown)
    below = LINE * max(map(len, texts), default=0)
    step = (width + GAP, height + below + GAP)
    size = (GAP + columns * step[0], GAP + rows * step[1])
    sheet = pillow().new("RGB", size, PAPER)
    draw = _pen(sheet)
    for n, (image, lines) in enumerate(zip(shown, texts, strict=True)):
        x, y = GAP + n % columns * step[0], GAP + n // columns * step[1]
        sheet.paste(image, (x + (width - image.width) // 2, y + (height - image.height) // 2))
        for k, line in enumerate(lines):
            draw.text((x, y + height + k * LINE), line, fill=INK, font=label_font())
    return sheet


def _fit(image: Image.Image, cell: int) -> Image.Image:
    resampling = pillow().Resampling
    longest = max(image.size)
    if longest > cell:
        width, height = (max(1, round(side * cell / longest)) for side in image.size)
        image = image.resize((width, height), resampling.LANCZOS)
    else:
        times = cell // longest
        image = image.resize((image.width * times, image.height * times), resampling.NEAREST)
    return _on_board(image) if image.mode == "RGBA" else image.convert("RGB")


def _on_board(image: Image.Image) -> Image.Image:
    """Transparent parts show the chequered board that picture editors use."""
    board = pillow().new("RGB", image.size, (255, 255, 255))
    draw = _pen(board)
    for y in range(0, image.height, 8):
        for x in range(y // 8 % 2 * 8, image.width, 16):
            draw.rectangle((x, y, x + 7, y + 7), fill=(222, 222, 222))
    board.paste(image, mask=image.getchannel("A"))
    return board


def _pen(image: Image.Image) -> ImageDraw.ImageDraw:
    from PIL import ImageDraw  # the caller holds a pillow image already

    return ImageDraw.Draw(image)


def label_font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    from PIL import ImageFont

    try:
        return ImageFont.load_default(11)
    except (ImportError, OSError):  # pillow built without FreeType
        return ImageFont.load_default()


def _wrapped(text: str, width: int) -> list[str]:
    """At most LINES lines of the cell's width; what is cut ends in dots."""
    font, lines = label_font(), [""]
    safe = text.encode("latin-1", "replace").decode("latin-1")  # the built-in font has no more
    for word in safe.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = [_cut(line, width) for line in lines[:LINES]]
    if len(lines) > LINES:
        kept[-1] = _cut(kept[-1] + " ...", width, ending="...")
    return [line for line in kept if line]


def _cut(line: str, width: int, ending: str = "..") -> str:
    font = label_font()
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + ending) > width:
        line = line[:-1]
    return line.rstrip(" .") + ending
