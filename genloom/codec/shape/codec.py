"""Shapes <-> fields: a mesh or a closed form as signed distances on a lattice, and back.

A field is 1 far outside and -1 deep inside, changes over a band of a few cells about the surface,
and has three more channels where the data has colours. The way back is the surface where it is
zero, which is closed whatever the numbers are. Knows shapes and fields, no net.
Shape legend: N items, C channels, D, H, W places along z, y, x.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.shape.collections import read_shapes
from genloom.codec.shape.files import mesh_bytes
from genloom.codec.shape.item import Shape, as_shape, bounds_of, called
from genloom.codec.shape.looks import sheet_bytes, write_turntable
from genloom.codec.shape.saying import said_with
from genloom.codec.shape.stretch import Stretch, stretch_for
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.metric.energy import energy_distance
from genloom.shape.fields import Field, field_of_form, field_of_mesh
from genloom.shape.lattice import MARGIN, Lattice, around
from genloom.shape.marching_cubes import mesh_of, refined
from genloom.shape.mesh import Mesh
from genloom.shape.simplify import clustered
from genloom.shape.solids import Form
from genloom.spec import ArraySpec

OPTIONS = ("size", "box", "scale", "band", "finer", "colour")
SCALES = ("auto", "item", "shared", "told")
STEP = 8  # sides of a lattice are multiples of it, so that patches divide them
LARGEST = 128
MEDIA = ("model/gltf-binary", "model/gltf+json", "model/obj", "model/stl", "model/ply")
DENSE = 400_000  # triangles; of more, those that no lattice can tell apart are joined first
LOOKED = 8  # places along each side, of what neighbours are told apart by


class ShapeCodec:
    """Shapes as fields.

    size    places along the longest side of the lattice, a multiple of 8
    box     "cube": as many along each side; "data": as many as the data's own box needs
    scale   "item": each shape fills the lattice; "shared": all on one lattice in metres, so that
            sizes are kept; "told": each is stretched to one box, and its three sides are told in
            channels of their own (stretch.py); "auto": told where the data says sizes
    band    cells over which the field changes on each side of the surface
    finer   steps from place to place of what is made into triangles
    colour  "auto": where the data has colours; "no"
    """

    kind: ClassVar[str] = "shape"
    media: ClassVar[str] = "model/gltf-binary"
    suffix: ClassVar[str] = ".glb"
    preview_suffix: ClassVar[str] = ".png"
    compares: ClassVar[bool] = True
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = ArraySpec
    lossy: ClassVar[bool] = True
    brings: ClassVar[tuple[str, ...]] = MEDIA
    told_where: ClassVar[bool] = True

    def __init__(
        self,
        *,
        size: int = 32,
        box: Literal["cube", "data"] = "cube",
        scale: Literal["auto", "item", "shared", "told"] = "auto",
        band: float = 3.0,
        finer: int = 2,
        colour: Literal["auto", "no"] = "auto",
    ) -> None:
        if size % STEP or not STEP <= size <= LARGEST:
            raise RecipeError(f"codec.size is {size}: use a multiple of {STEP} up to {LARGEST}")
        if box not in ("cube", "data") or scale not in SCALES:
            raise RecipeError(
                f"codec.box is {box!r} and codec.scale {scale!r}: use cube or data; "
                + ", ".join(SCALES)
            )
        if not 1 <= band <= size / 2 or not 1 <= finer <= 4 or colour not in ("auto", "no"):
            raise RecipeError(
                f"codec.band {band}, finer {finer}, colour {colour!r}: use 1 to {size // 2} cells, "
                "1 to 4 steps, auto or no"
            )
        self.size, self.box, self.scale = size, box, scale
        self.band, self.finer, self.colour = float(band), finer, colour
        self.grid: tuple[int, int, int] | None = None
        self.lattice: Lattice | None = None  # that all share; None: each shape its own
        self.coloured = False
        self.stretch: Stretch | None = None  # where sides are told

    @property
    def spec(self) -> ArraySpec:
        if self.grid is None:
            raise DataError("no shapes were seen yet: call fit first")
        return ArraySpec(grid=self.grid, channels=self._seen + 3 * (self.stretch is not None))

    @property
    def _seen(self) -> int:
        """Channels of distance and colour; those of sides come after them."""
        return 4 if self.coloured else 1

    # --- files ------------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        return read_shapes(path)

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """GLB, OBJ, PLY or STL by the suffix; the first three hold the record. A .gif is the shape
        seen once around, a .png from one side after another."""
        path = Path(path)
        if path.suffix.lower() in (".gif", ".png"):
            write_turntable(self._mesh(item), path, frames=36 if path.suffix == ".gif" else 8)
            return False
        write_atomic(path, mesh_bytes(self._mesh(item), path, record))
        return record is not None and path.suffix.lower() != ".stl"

    def preview(self, items: Iterable[Any], path: Path, columns: int | None = None) -> Path:
        """A sheet of pictures, or of turntables where they are few."""
        shapes = [as_shape(item) for item in items]
        meshes = [self._mesh(one) for one in shapes]
        captions = [one.told or "" for one in shapes]
        return write_atomic(Path(path), sheet_bytes(meshes, captions, columns))

    def save(self, folder: Path) -> None:
        learnt = {"grid": self.grid, "coloured": self.coloured}
        lattice = None if self.lattice is None else vars(self.lattice)
        stretch = None if self.stretch is None else vars(self.stretch)
        options = {name: getattr(self, name) for name in OPTIONS}
        save_json(folder, self.kind, {**options, **learnt, "lattice": lattice, "stretch": stretch})

    @classmethod
    def load(cls, folder: Path) -> Self:
        learnt = ("grid", "coloured", "lattice", "stretch")
        values = load_json(folder, cls.kind, frozenset({*OPTIONS, *learnt}))
        grid, coloured, lattice, stretch = (values.pop(key) for key in learnt)
        try:
            codec = cls(**values)
            codec.grid = _grid(grid)
            codec.coloured = bool(coloured)
            if lattice is not None:
                x, y, z = (float(v) for v in lattice["origin"])
                cell = float(lattice["cell"])
                codec.lattice = Lattice(grid=_grid(lattice["grid"]), origin=(x, y, z), cell=cell)
            if stretch is not None:
                x, y, z = (float(v) for v in stretch["middle"])
                codec.stretch = Stretch(middle=(x, y, z), spread=float(stretch["spread"]))
        except (RecipeError, TypeError, ValueError, KeyError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        return codec

    # --- tensors ----------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """The lattice, and whether there are colours."""
        if not len(items):
            raise DataError("no shapes to learn from: give at least one")
        shapes = [as_shape(item).open() for item in items]
        boxes = [bounds_of(one) for one in shapes]
        self.coloured = self.colour == "auto" and any(_has_colour(one) for one in shapes)
        self.grid = (self.size,) * 3
        sized = self.scale == "auto" and all(getattr(one, "measures", None) for one in shapes)
        if self.scale == "told" or sized:
            self.stretch = stretch_for(boxes)
            low, high = self.stretch.box
        elif self.scale == "shared":
            low = np.min([box[0] for box in boxes], 0)
            high = np.max([box[1] for box in boxes], 0)
        else:
            return
        if self.box == "data":
            reach = high - low
            cell = reach.max() / (self.size - 1 - 2 * MARGIN)
            wanted = reach[::-1] / cell + 1 + 2 * MARGIN
            depth, height, width = (int(min(self.size, -(-n // STEP) * STEP)) for n in wanted)
            self.grid = (depth, height, width)
        self.lattice = around(low, high, self.grid)

    def encode(self, items: Sequence[Any]) -> Tensor:
        """float16 [N, C, D, H, W] within [-1, 1]."""
        every = [self.field(as_shape(item)) for item in items]
        return torch.stack(every) if every else torch.empty(0, *self.spec.shape)

    def field(self, shape: Shape) -> Tensor:
        """float16 [C, D, H, W]"""
        opened = shape.open()
        bounds = bounds_of(opened)
        lattice = self.lattice or around(*bounds, _grid(self.spec.grid))
        found = self._field(opened, lattice)
        reach = self.band * lattice.cell
        parts = [(found.distance / reach).clamp(-1, 1)[None]]
        if self.coloured:
            grey = torch.full((3, *lattice.grid), 178.0)
            parts.append((grey if found.colours is None else found.colours) / 127.5 - 1)
        if self.stretch is not None:
            parts.append(self.stretch.told(bounds)[:, None, None, None].expand(3, *lattice.grid))
        return torch.cat(parts).half()

    def _field(self, shape: Mesh | Form, lattice: Lattice) -> Field:
        if isinstance(shape, Mesh) and len(shape.faces) > DENSE:
            shape = clustered(shape, 4 * max(lattice.grid))
        seen = shape if self.stretch is None else self.stretch.applied(shape)
        if isinstance(seen, Mesh):
            return field_of_mesh(seen, lattice, self.band * lattice.cell)
        return field_of_form(seen, lattice)

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Mesh]:
        """The surfaces; those of one lattice each fill a cube of 1 m."""
        return [self._surface(one) for one in x]

    def _surface(self, one: Tensor) -> Mesh:
        values = torch.nan_to_num(one.detach().float().cpu(), nan=1.0, posinf=1.0, neginf=-1.0)
        unit = np.zeros(3), np.ones(3) * max(self.spec.grid) / np.array(self.spec.grid).max()
        lattice = self.lattice or around(*unit, _grid(self.spec.grid))
        seen = refined(values[: self._seen].clamp(-1, 1), self.finer)
        colours = (seen[1:] + 1) * 127.5 if self.coloured else None
        mesh = mesh_of(seen[0], lattice.finer(self.finer), colours)
        if self.stretch is None:
            return mesh
        return self.stretch.undone(mesh, values[self._seen :].mean((1, 2, 3)).clamp(-1, 1))

    def _mesh(self, item: Any) -> Mesh:
        """As it is, or the surface of a form."""
        opened = as_shape(item).open()
        if isinstance(opened, Mesh):
            return opened
        lattice = self.lattice
        if lattice is None or self.stretch is not None:
            grid = _grid(self.spec.grid) if self.stretch is not None else (64, 64, 64)
            lattice = around(*bounds_of(opened), grid)
        lattice = lattice.finer(self.finer)
        found = field_of_form(opened, lattice)
        return mesh_of(found.distance, lattice, found.colours, opened.caption)

    def begin(self, item: Any, grid: tuple[int, ...]) -> Tensor:
        """float [C, D, H, W]: a given shape as a field."""
        try:
            return self.field(as_shape(item)).float()
        except DataError as error:
            raise RequestError(f"the given shape: {error}", param="item") from None

    # --- meaning ----------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str] | None:
        texts = [as_shape(item).told or "" for item in items]
        return texts if any(texts) else None

    def called(self, items: Iterable[Any], caption: str) -> list[Shape]:
        return called(items, caption)

    def worded(self, prompt: str | None, where: Any) -> str | None:
        """The prompt with conditions such as "length = 4.5 and height = 1.4" said in it."""
        return said_with(prompt, where)

    def condition(self, prompt: str | None, where: Any) -> Condition:
        if where:
            raise RequestError("this model was trained without sizes: leave out --where")
        return Condition()

    def natural_side(self, items: Any) -> None:
        """Shapes have no sides in pixels."""

    def features(self, items: Iterable[Any]) -> Tensor:
        """float [N, F]: the field seen coarsely, and the sides where they are told."""
        x = self.encode([*items]).float()
        depth, height, width = (min(LOOKED, n) for n in x.shape[2:])
        pooled = torch.nn.functional.adaptive_avg_pool3d(x[:, :1], (depth, height, width))
        return torch.cat((pooled.flatten(1), LOOKED * x[:, self._seen :].mean((2, 3, 4))), 1)

    def compare(self, real: Sequence[Any], made: Sequence[Any]) -> dict[str, float]:
        """How far apart the two collections are as clouds of coarse fields."""
        sides = [self.features([s for s in some if not _empty(s)]) for some in (real, made)]
        if min(map(len, sides)) < 2:
            return {"field_distance": float("inf")}
        return {"field_distance": energy_distance(*sides)}


def _has_colour(shape: Mesh | Form) -> bool:
    return isinstance(shape, Form) or shape.colours is not None


def _empty(item: Any) -> bool:
    opened = as_shape(item).open()
    return isinstance(opened, Mesh) and opened.empty


def _grid(values: Sequence[Any]) -> tuple[int, int, int]:
    depth, height, width = (int(v) for v in values)
    if min(depth, height, width) < 1:
        raise ValueError(f"grid {values}")
    return depth, height, width
