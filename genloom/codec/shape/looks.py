"""Pictures of shapes for people: sheets, turntables as films. Knows meshes and pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.codec.image.pictures import pillow
from genloom.codec.saving import write_atomic
from genloom.errors import RequestError
from genloom.shape.mesh import Mesh
from genloom.shape.rendering import render, turntable

SHOWN = 32  # shapes of a sheet
FEW = 4  # shapes that are shown from several sides
SIDES = 4
CELL = 224
FRAMES, MILLISECONDS = 36, 70


def sheet_bytes(
    meshes: Sequence[Mesh], captions: Sequence[str], columns: int | None = None
) -> bytes:
    """A PNG: one picture each; a row of four around each where there are few."""
    meshes, captions = meshes[:SHOWN], captions[:SHOWN]
    images, below = [], []
    for mesh, caption in zip(meshes, captions, strict=True):
        if len(meshes) <= FEW and columns is None:
            images += [_image(frame) for frame in turntable(mesh, SIDES, CELL)]
            below += [caption, *[""] * (SIDES - 1)]
        else:
            images.append(_image(render(mesh, CELL)))
            below.append(caption)
    around = SIDES if len(meshes) <= FEW else None
    sheet = grid(images, below if any(below) else None, columns or around, CELL)
    return png_bytes(sheet, None)


def write_turntable(mesh: Mesh, path: Path, side: int = 256, frames: int = FRAMES) -> Path:
    """Once around, as GIF, or as a PNG sheet of frames."""
    made = turntable(mesh, frames, side)
    suffix = Path(path).suffix.lower()
    if suffix == ".png":
        return write_atomic(Path(path), png_bytes(grid([_image(f) for f in made], None), None))
    if suffix != ".gif":
        raise RequestError(f"{path}: turntables are written as .gif or .png")
    first, *rest = [_image(f).quantize(128) for f in made]
    out = io.BytesIO()
    first.save(
        out, "GIF", save_all=True, append_images=rest, duration=MILLISECONDS, loop=0, optimize=False
    )
    return write_atomic(Path(path), out.getvalue())


def _image(pixels: np.ndarray):
    return pillow().fromarray(np.ascontiguousarray(pixels))
