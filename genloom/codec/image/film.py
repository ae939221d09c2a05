"""A training as a film strip: a row for each of a few fixed samples, a column for each preview.

Every preview leaves its own column as a file, so that a strip can be made again from what is there
after a stop, and thinned when it grows wide. Knows pictures and one folder's layout.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.codec.image.pictures import as_picture, pillow
from genloom.codec.saving import write_atomic

if TYPE_CHECKING:
    from PIL import Image

ROWS = 6  # samples that a strip follows
COLUMNS = 16  # of the strip, at most
CELL = 72  # pixels of a sample
NAME = re.compile(r"film-(\d+)\.png")


def film(items: Sequence[Any], step: int, folder: Path) -> Path:
    """Add the samples of a step to the strip in `folder`; the strip's path."""
    some = [as_picture(item).open() for item in _spread(items)]
    labels = [f"step {step:,}"] + [""] * (len(some) - 1)
    column = grid(some, labels, columns=1, cell=CELL)
    write_atomic(folder / f"film-{step:06d}.png", png_bytes(column, None))
    strip = _joined([_opened(path) for path in _chosen(folder)])
    return write_atomic(folder / "film.png", png_bytes(strip, None))


def _spread(items: Sequence[Any]) -> list[Any]:
    """A few, evenly over all: the first samples may share a prompt."""
    count = min(ROWS, len(items))
    return [items[n * len(items) // count] for n in range(count)]


def _chosen(folder: Path) -> list[Path]:
    """At most COLUMNS columns, evenly, the first and the last among them."""
    found = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    last = len(found) - 1
    if last < COLUMNS:
        return found
    return [found[round(n * last / (COLUMNS - 1))] for n in range(COLUMNS)]


def _opened(path: Path) -> Image.Image:
    image: Image.Image = pillow().open(path, formats=("PNG",))
    image.load()
    return image


def _joined(columns: Sequence[Image.Image]) -> Image.Image:
    height = max(column.height for column in columns)
    sheet = pillow().new(
        "RGB", (sum(c.width for c in columns), height), columns[0].getpixel((0, 0))
    )
    at = 0
    for column in columns:
        sheet.paste(column, (at, 0))
        at += column.width
    return sheet
