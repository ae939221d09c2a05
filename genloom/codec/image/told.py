"""What a codec of pictures tells a net besides a prompt: read from disk, drawn while training, made
of the picture that a request gives.

Knows pictures, their files and the controls of controls.py; no net, no sampler.
Shape legend: C channels, K channels told, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Generator, Tensor

from genloom.codec.base import Reading
from genloom.codec.image import alpha
from genloom.codec.image.controls import Control, control_of
from genloom.codec.image.pictures import SUFFIXES, Picture, as_picture, each, pillow
from genloom.codec.image.resize import flattened, resized
from genloom.codec.shelves import Member
from genloom.errors import DataError, RecipeError, RequestError

if TYPE_CHECKING:
    from PIL import Image

MARK, FOLDER = "_control", "control"  # dog_control.png or control/dog.png stands beside dog.png


class Telling(ABC):
    """The part of a codec of pictures that tells. telling: what, None for nothing."""

    telling: Control | None = None
    told_option: str | Mapping[str, Any] | None = None
    grid: tuple[int, int]
    fitting: str
    background: str
    hard: bool

    def tell(self, option: str | Mapping[str, Any] | None) -> None:
        """From now on this is told. RecipeError where it does not fit the grid."""
        telling = control_of(option)
        if telling is not None and any(side % telling.factor for side in self.grid):
            raise RecipeError(
                f"codec.control.factor {telling.factor} does not divide the sides of "
                f"{self.grid[0]} x {self.grid[1]}: use another factor, or another codec.size"
            )
        self.telling, self.told_option = telling, option

    def again(self, options: Mapping[str, Any]) -> Self:
        """The same codec for a training that goes on: what these options name is told from now on.
        RecipeError where something else was told so far."""
        option = options.get("control")
        made = copy.copy(self)
        made.tell(option)
        if self.telling is not None and made.telling != self.telling:
            raise RecipeError(
                f"the start is told {self.told_option!r}, not {option!r}: keep its codec.control, "
                "or train anew"
            )
        return made

    @property
    def tells(self) -> bool:
        """Whether anything is told; known from the options alone."""
        return self.telling is not None

    @abstractmethod
    def _channels(self) -> int:
        """Of a picture."""

    @abstractmethod
    def _mode(self) -> str:
        """Of a picture: L, RGB or RGBA."""

    # --- while training ---------------------------------------------------------------------------

    def told(self, x: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
        """Arrays as `encode` lays them, [B, C + what lies beside, H, W]: the items, and what is
        told of each, [B, K, H, W]."""
        assert self.telling is not None
        return x[:, : self._channels()], self.telling.told(x, rng)

    def beside(self, x: Tensor, pictures: Sequence[Picture]) -> Tensor:
        """The arrays [N, C, H, W] with what lies beside each picture as further channels. Pictures
        that were made here have nothing beside them and stay alone."""
        bare = [p for p in pictures if p.control is None]
        if self.telling is None or not self.telling.beside or len(bare) == len(pictures):
            return x
        if bare:
            raise DataError(_alone(bare, len(pictures)))
        grid = x.shape[2:]
        told = each(lambda p: self._beside(p, grid), pictures)
        return torch.cat((x, torch.stack(told)), 1)

    def _beside(self, picture: Picture, grid: Sequence[int]) -> Tensor:
        other = Picture(picture.control, name=picture.name, flipped=picture.flipped)
        return self._told_array(other, grid)

    # --- at use -----------------------------------------------------------------------------------

    def grid_told(self, picture: Any) -> tuple[int, int]:
        """The grid of what is to be made of this picture, where it has the picture's own size."""
        if isinstance(picture, Tensor):
            return picture.shape[-2], picture.shape[-1]
        if self.telling is None or not self.telling.follows:
            return self.grid
        image = _opened(picture)
        return image.height * self.telling.factor, image.width * self.telling.factor

    def control(self, picture: Any, grid: Sequence[int], fresh: Tensor | None = None) -> Tensor:
        """float [K, H, W] on the grid: what is told of the picture. fresh [H, W]: 1 where it has
        holes, for what fills them. A tensor is what is told already."""
        assert self.telling is not None
        if isinstance(picture, Tensor):
            return self._as_told(picture, grid)
        height, width = (side // self.telling.factor for side in grid)
        given = self._told_array(as_picture(picture), (height, width), request=True)
        return self.telling.of(given, fresh)

    def _as_told(self, told: Tensor, grid: Sequence[int]) -> Tensor:
        assert self.telling is not None
        shape = (self.telling.channels(self._channels()), *grid)
        if tuple(told.shape) != shape or not bool(told.isfinite().all()):
            raise RequestError(
                f"the control is a tensor of the shape {tuple(told.shape)}, but {shape} of finite "
                "numbers is expected"
            )
        return told.float()

    def control_of(self, item: Tensor, fresh: Tensor | None = None) -> Tensor:
        """The same of an item that is an array already, [C, H, W]."""
        assert self.telling is not None
        if self.telling.beside:
            raise RequestError(
                "this model is told by a picture beside the item: give it as control"
            )
        factor = self.telling.factor
        given = item if factor == 1 else torch.nn.functional.avg_pool2d(item[None], factor)[0]
        return self.telling.of(given, fresh)

    def _told_array(self, picture: Picture, grid: Sequence[int], request: bool = False) -> Tensor:
        """[C, H, W] of any picture, brought to the grid as the codec brings its own."""
        image = _opened(picture) if request else picture.open()
        mode = getattr(self.telling, "mode", None) or self._mode()
        image = resized(flattened(image, mode, self.background), (grid[1], grid[0]), self.fitting)
        pixels = np.asarray(image).reshape(grid[0], grid[1], -1)
        values = alpha.multiplied(pixels, self.hard) if pixels.shape[2] == 4 else pixels / 127.5 - 1
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).permute(2, 0, 1)

    def shown(self, control: Tensor) -> Image.Image:
        """What is told [K, H, W] as a picture to look at."""
        if len(control) in (1, 3):
            pixels = ((control.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
            return pillow().fromarray(pixels[:, :, 0] if len(control) == 1 else pixels.copy())
        if len(control) == 4 and self._channels() == 4:
            return pillow().fromarray(alpha.divided(control.permute(1, 2, 0).numpy(), self.hard))
        return self.shown(control[:3] if len(control) > 3 else control[:1])


def _opened(picture: Any) -> Image.Image:
    try:
        return as_picture(picture).open()
    except DataError as error:
        raise RequestError(f"the control picture: {error}") from None


def _alone(bare: Sequence[Picture], count: int) -> str:
    names = ", ".join(p.name or "one without a name" for p in bare[:3])
    return (
        f"{len(bare)} of {count} pictures have no control beside them ({names}): add "
        f"name{MARK}.png beside each, or a folder {FOLDER!r} with the same names"
    )


# --- files ----------------------------------------------------------------------------------------


def paired(reading: Reading) -> Reading:
    """Each picture with the one beside it, which is no item of its own. DataError where there is
    none beside any."""
    items = [p for p in reading.items if not _is_control(p.name)]
    known: dict[int, frozenset[str]] = {}
    made = [replace(p, control=_control_of(p, known)) for p in items]
    bare = [p for p in made if p.control is None]
    if bare:
        raise DataError(_alone(bare, len(made)))
    skipped = {n: why for n, why in reading.skipped.items() if not _is_control(n)}
    files = [p.control for p in made if isinstance(p.control, Path)]
    return replace(reading, items=made, files=(*reading.files, *files), skipped=skipped)


def _is_control(name: str) -> bool:
    path = PurePosixPath(name)
    return path.stem.endswith(MARK) or FOLDER in path.parts[:-1]


def _control_of(picture: Picture, known: dict[int, frozenset[str]]) -> Path | Member | None:
    source = picture.source
    if isinstance(source, Path):
        places = (source.parent / name for name in _names(source.name))
        return next((p for p in places if p.is_file()), None)
    if not isinstance(source, Member):
        return None
    inside = known.setdefault(id(source.archive), frozenset(source.archive.namelist()))
    folder = PurePosixPath(source.name).parent
    names = ((folder / n).as_posix() for n in _names(PurePosixPath(source.name).name))
    return next((Member(source.archive, n) for n in names if n in inside), None)


def _names(name: str) -> Iterable[str]:
    """Where the control of a picture may lie, relative to its folder."""
    path = PurePosixPath(name)
    suffixes = dict.fromkeys((path.suffix, ".png", *sorted(SUFFIXES)))
    for suffix in suffixes:
        yield f"{path.stem}{MARK}{suffix}"
        yield f"{FOLDER}/{path.stem}{suffix}"
