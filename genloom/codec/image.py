"""Pictures <-> arrays: any size and mode in, one grid and one set of channels out.

The choices of resizing are stated options. Knows the arrays, the mode and the quality measure;
where pictures lie on disk is the business of albums.py, opening them of pictures.py.
Shape legend: N pictures, C channels (1 grey, 3 RGB, 4 RGBA), H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.codec.albums import read_album
from genloom.codec.base import Condition, Reading
from genloom.codec.grid import grid
from genloom.codec.picture_files import png_bytes, write_picture
from genloom.codec.pictures import Picture, as_picture, each, pillow
from genloom.codec.resize import colour, flattened, resized
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.metric.fixed_features import fixed_features
from genloom.metric.image import frechet_distance, kernel_distance, precision_recall
from genloom.spec import ArraySpec

if TYPE_CHECKING:
    from PIL import Image

CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
SAMPLED = 256  # pictures that `fit` looks at
SHOWN = 64  # pictures of a preview
COMPARED = 5000  # pictures of each side in `compare`
CHUNK = 1024


class ImageCodec:
    """Pictures as float arrays.

    size        side of the square grid, or (height, width)
    mode        "L", "RGB", "RGBA"; "auto": L when every sampled picture is grey, else RGB
    fit         "crop": the short side is fitted, the middle kept; "pad": the whole picture is kept,
                its own edge colour around it, enlarged by whole factors only; "stretch"
    background  what shows through transparency where the mode has none
    """

    kind: ClassVar[str] = "image"
    media: ClassVar[str] = "image/png"
    suffix: ClassVar[str] = ".png"
    preview_suffix: ClassVar[str] = ".png"
    compares: ClassVar[bool] = True
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = ArraySpec

    def __init__(
        self,
        *,
        size: int | Sequence[int] = 32,
        mode: Literal["auto", "L", "RGB", "RGBA"] = "auto",
        fit: Literal["crop", "pad", "stretch"] = "crop",
        background: str = "white",
    ) -> None:
        self.grid = _grid_size(size)
        if mode != "auto" and mode not in CHANNELS:
            raise RecipeError(f"codec.mode is {mode!r}: use auto, {', '.join(CHANNELS)}")
        if fit not in ("crop", "pad", "stretch"):
            raise RecipeError(f"codec.fit is {fit!r}: use crop, pad or stretch")
        colour(background)
        self.mode, self.fitting, self.background = mode, fit, background
        self.learnt: str | None = None if mode == "auto" else mode

    @property
    def spec(self) -> ArraySpec:
        return ArraySpec(grid=self.grid, channels=CHANNELS[self._mode()])

    def _mode(self) -> str:
        if self.learnt is None:
            raise DataError("codec.mode is auto and no pictures were seen: call fit or set a mode")
        return self.learnt

    # --- files -----------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        return read_album(path)

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """PNG carries the record and returns True; JPEG and WebP only the mark "made by AI"."""
        return write_picture(as_picture(item).open(), path, record)

    def preview(self, items: Iterable[Any], path: Path) -> Path:
        """A PNG sheet of the first pictures, captions under them where there are any."""
        pictures = [as_picture(item) for item, _ in zip(items, range(SHOWN), strict=False)]
        captions = self.captions(pictures)
        sheet = grid([p.open() for p in pictures], captions)
        return write_atomic(Path(path), png_bytes(sheet, None))

    def save(self, folder: Path) -> None:
        options = {"size": list(self.grid), "mode": self.mode, "fit": self.fitting}
        values = {**options, "background": self.background, "learnt": self.learnt}
        save_json(folder, self.kind, values)

    @classmethod
    def load(cls, folder: Path) -> Self:
        keys = frozenset({"size", "mode", "fit", "background", "learnt"})
        values = load_json(folder, cls.kind, keys)
        learnt = values.pop("learnt")
        try:
            codec = cls(**values)
        except (RecipeError, TypeError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if learnt is not None and learnt not in CHANNELS:
            raise ModelError(f"{folder} names the unknown mode {learnt!r}: restore it")
        codec.learnt = learnt
        return codec

    # --- tensors ---------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """Choose the mode; nothing else is learnt."""
        if not len(items):
            raise DataError("no pictures to learn from: give at least one")
        if self.mode != "auto":
            return
        step = max(1, len(items) // SAMPLED)
        sampled = [as_picture(items[i]) for i in range(0, len(items), step)]
        self.learnt = "L" if all(each(self._is_grey, sampled)) else "RGB"

    def _is_grey(self, picture: Picture) -> bool:
        image = picture.open()
        if image.mode == "L":
            return True
        pixels = np.asarray(flattened(image, "RGB", self.background))
        return bool((pixels == pixels[..., :1]).all())

    def encode(self, items: Iterable[Any]) -> Tensor:
        """float [N, C, H, W] within [-1, 1]."""
        pictures = [as_picture(item) for item in items]
        out = torch.empty(len(pictures), *self.spec.shape)
        for start in range(0, len(pictures), CHUNK):
            pixels = np.stack(each(self._pixels, pictures[start : start + CHUNK]))
            part = torch.from_numpy(pixels).permute(0, 3, 1, 2)
            torch.div(part, 127.5, out=out[start : start + CHUNK])
        return out.sub_(1)

    def _pixels(self, picture: Picture) -> np.ndarray:
        """uint8 [H, W, C]"""
        height, width = self.grid
        ready = isinstance(picture.source, np.ndarray) and picture.source.shape == (height, width)
        if ready and self._mode() == "L":
            return picture.source[:, :, None]
        image = flattened(picture.open(), self._mode(), self.background)
        return np.asarray(resized(image, (width, height), self.fitting)).reshape(height, width, -1)

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Image.Image]:
        """Pillow images of arrays [N, C, H, W]; what lies outside [-1, 1] is clamped."""
        from_array = pillow().fromarray
        images = []
        for one in x:
            values = torch.nan_to_num(one.detach().float().cpu(), nan=-1.0).clamp(-1, 1)
            pixels = ((values + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
            images.append(from_array(pixels[:, :, 0] if len(values) == 1 else pixels.copy()))
        return images

    # --- meaning ---------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str] | None:
        texts = [as_picture(item).caption for item in items]
        return [t or "" for t in texts] if any(texts) else None

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """A picture has no fields: a prompt reaches it through the model's prompt codec."""
        if where is not None:
            raise RequestError(f"pictures have no columns to set: where={where!r}; use a prompt")
        return Condition()

    def natural_side(self, items: Sequence[Any]) -> int:
        """The usual shorter side, a multiple of four, from 8 to 64."""
        step = max(1, len(items) // 64)
        sides = sorted(min(as_picture(items[i]).open().size) for i in range(0, len(items), step))
        return max(8, min(64, sides[len(sides) // 2] // 4 * 4))

    def features(self, items: Iterable[Any]) -> Tensor:
        """float [N, F]: pixels averaged to at most 16 x 16."""
        height, width = (min(16, side) for side in self.grid)
        return F.adaptive_avg_pool2d(self.encode(items), (height, width)).flatten(1)

    def compare(self, real: Sequence[Any], made: Sequence[Any]) -> dict[str, float]:
        """Distances in the space of metric/fixed_features.py; every number is better lower.

        As many pictures of each side are used as the smaller has, since a Frechet distance depends
        on the count.
        """
        count = min(len(real), len(made), COMPARED)
        if count < 4:
            raise DataError(f"{len(real)} real and {len(made)} made pictures: 4 each are needed")
        a, b = (fixed_features(self.encode(_spread(items, count))) for items in (real, made))
        precision, recall = precision_recall(a, b)
        return {
            "frechet_distance": frechet_distance(a, b),
            "kernel_distance": kernel_distance(a, b),
            "precision_error": 1 - precision,
            "recall_error": 1 - recall,
        }


def _grid_size(size: int | Sequence[int]) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or not all(isinstance(s, int) and 4 <= s <= 4096 for s in sides):
        raise RecipeError(f"codec.size is {size!r}: use a side or (height, width), 4 to 4096 each")
    return sides


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """`count` items evenly over the collection, which may be sorted by class."""
    return [items[i * len(items) // count] for i in range(count)]
