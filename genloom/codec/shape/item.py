"""What the shape codec takes as an item: a mesh, a closed form, or a file that is opened when it is
needed. Knows meshes, forms and names of files; no tensor of a model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.shape.files import read_mesh
from genloom.codec.shelves import content
from genloom.errors import DataError
from genloom.shape.mesh import Mesh
from genloom.shape.solids import Form


@dataclass(frozen=True, eq=False)
class Shape:
    """source: a path, a member of an archive, the bytes of a file, a Mesh or a Form. caption: what
    it is; name: of the file."""

    source: Any
    caption: str | None = None
    name: str = ""

    def open(self) -> Mesh | Form:
        """DataError where it is broken."""
        source, name = self.source, self.name or "the shape"
        if isinstance(source, Mesh | Form):
            return source
        return read_mesh(content(source, name), name)

    @property
    def told(self) -> str | None:
        """The caption, also where the shape itself says it."""
        return self.caption or getattr(self.source, "caption", None)


def as_shape(item: Any) -> Shape:
    """Shapes as they are; a path, the bytes of a file, a Mesh or a Form wrapped. DataError for
    anything else."""
    if isinstance(item, Shape):
        return item
    if isinstance(item, str | Path):
        return Shape(Path(item), name=str(item))
    if isinstance(item, Mesh | Form | bytes):
        return Shape(item)
    raise DataError(f"a shape was expected, not {type(item).__name__}: give a mesh file")


def called(items: Iterable[Any], caption: str) -> list[Shape]:
    """The shapes; those without a caption get this one."""
    made = [as_shape(item) for item in items]
    return [one if one.told else replace(one, caption=caption) for one in made]


def bounds_of(shape: Mesh | Form) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest x, y and z, [3] each."""
    low, high = shape.bounds
    return np.asarray(low, np.float64), np.asarray(high, np.float64)
