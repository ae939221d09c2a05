"""Sprite sheets: equal cells of one picture, and the list of frames that engines for games read.

The list is laid out as TexturePacker's "JSON (Array)", which Phaser, PixiJS, Godot and others read.
Knows pillow images: no tensor, and not who made the pictures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.codec.image.pictures import pillow
from genloom.codec.saving import write_atomic
from genloom.errors import DataError, RequestError

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 16_384  # pixels of a side that graphics cards take


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """image: RGBA, its frames row by row without gaps; the last row may end early.

    cell: (width, height) of a frame; columns: frames of a row; count: frames in all.
    """

    image: Image.Image
    cell: tuple[int, int]
    columns: int
    count: int

    @classmethod
    def of(cls, images: Sequence[Image.Image], columns: int | None = None) -> Sheet:
        """Pictures smaller than the largest stand in the middle of their cell."""
        if not images:
            raise DataError("a sheet needs at least one picture")
        columns = _columns(len(images), columns)
        width, height = (max(image.size[axis] for image in images) for axis in (0, 1))
        size = (columns * width, math.ceil(len(images) / columns) * height)
        if max(size) > LONGEST:
            raise RequestError(
                f"a sheet of {size[0]} x {size[1]} pixels is too large: at most {LONGEST} a side; "
                "ask for fewer pictures or other columns"
            )
        sheet = pillow().new("RGBA", size, (0, 0, 0, 0))
        for n, image in enumerate(images):
            x, y = n % columns * width, n // columns * height
            corner = (x + (width - image.width) // 2, y + (height - image.height) // 2)
            sheet.paste(image.convert("RGBA"), corner)
        return cls(image=sheet, cell=(width, height), columns=columns, count=len(images))

    def frames(self, stem: str) -> list[dict[str, Any]]:
        """One a picture, named stem-0000.png and so on."""
        width, height = self.cell
        size = {"w": width, "h": height}
        return [
            {
                "filename": f"{stem}-{n:04d}.png",
                "frame": {"x": n % self.columns * width, "y": n // self.columns * height, **size},
                "rotated": False,
                "trimmed": False,
                "spriteSourceSize": {"x": 0, "y": 0, **size},
                "sourceSize": size,
            }
            for n in range(self.count)
        ]

    def write_atlas(self, path: Path, image: str) -> Path:
        """The list of frames of the picture named `image`."""
        told = {
            "app": "genloom",
            "version": "1.0",
            "image": image,
            "format": "RGBA8888",
            "size": {"w": self.image.width, "h": self.image.height},
            "scale": "1",
        }
        values = {"frames": self.frames(Path(image).stem), "meta": told}
        return write_atomic(path, (json.dumps(values, indent=1) + "\n").encode())


def _columns(count: int, columns: int | None) -> int:
    """As given, else the sheet is about square."""
    if columns is not None and columns < 1:
        raise RequestError(f"columns is {columns}: give at least 1")
    return min(count, columns or math.ceil(math.sqrt(count)))
