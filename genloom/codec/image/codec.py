"""Pictures <-> arrays: any size and mode in, one grid and one set of channels out.

The choices of resizing are stated options. Knows the arrays, the mode and the quality measure;
where pictures lie on disk is the business of albums.py, opening them of pictures.py.
Shape legend: N pictures, C channels (1 grey, 3 RGB, 4 RGBA), H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.codec.base import Condition, Reading
from genloom.codec.image import alpha, buckets, canvas, sheets
from genloom.codec.image.albums import read_album
from genloom.codec.image.files import png_bytes, write_picture
from genloom.codec.image.film import film
from genloom.codec.image.grid import grid
from genloom.codec.image.pictures import Picture, as_picture, each, pillow
from genloom.codec.image.resize import colour, flattened, quantised, resized
from genloom.codec.image.told import Telling, paired
from genloom.codec.image.tracing import write_drawing
from genloom.codec.image.variations import called, varied
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.metric.fixed_features import fixed_features
from genloom.metric.image import coverage, frechet_distance, kernel_distance, precision_recall
from genloom.spec import ArraySpec

if TYPE_CHECKING:
    from PIL import Image

CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
SAMPLED = 256  # pictures that `fit` looks at
SHOWN = 64  # pictures of a preview
COMPARED = 5000  # pictures of each side in `compare`
CHUNK = 1024
CLEAR = 0.1  # share of pictures with a transparent background from which pictures are RGBA
MANY_CAPTIONS, MOST_EACH = 100, 5  # captions, and pictures a caption, that tell pictures apart
OPTIONS = ("size", "mode", "fit", "background", "edges", "scaling", "palette", "mirrored", "apart")

TOLD = frozenset({"control", "sizes", "grids"})  # options that are saved where they are given


class ImageCodec(Telling):
    """Pictures as float arrays.

    size        side of the square grid, or (height, width)
    sizes       further grids, so that wide and tall pictures are learnt whole: "auto" for those of
                the same area that suit the pictures, or a list of (height, width)
    mode        "L", "RGB", "RGBA"; "auto": RGBA when at least a tenth of the sampled pictures have
                a transparent background, L when every one is grey, else RGB
    fit         "crop": the short side is fitted, the middle kept; "pad": the whole picture is kept,
                its own edge colour around it, enlarged by whole factors only; "stretch"
    background  what shows through transparency where the mode has none
    edges       of RGBA: "hard", a pixel is there or not; "soft"; "auto": as most sampled pictures
    scaling     "pixel" takes pixels as they are instead of blending them, for pixel art
    palette     most colours of a picture that is made, 0 for any number
    mirrored    learn mirror images, too; captions tell them by the word "mirrored", so that what is
                asked without it is not mirrored (as in Karras et al. 2022, augmentation)
    apart       what the held-out part does not share: "captions" keeps equal captions on one side;
                "items"; "auto": captions where there are many, few pictures each
    control     what the net is told of a picture besides the prompt: "edges", "coarse", "grey",
                "damaged", "masked" or "beside", or {"kind": ..., and its knobs}; see controls.py
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
        sizes: Literal["auto"] | Sequence[Any] | None = None,
        mode: Literal["auto", "L", "RGB", "RGBA"] = "auto",
        fit: Literal["crop", "pad", "stretch"] = "crop",
        background: str = "white",
        edges: Literal["auto", "hard", "soft"] = "auto",
        scaling: Literal["smooth", "pixel"] = "smooth",
        palette: int = 0,
        mirrored: bool = False,
        apart: Literal["auto", "captions", "items"] = "auto",
        control: str | Mapping[str, Any] | None = None,
    ) -> None:
        self.grid = _grid_size(size)
        self.sizes, self.grids = sizes, buckets.named(sizes, self.grid)
        if mode != "auto" and mode not in CHANNELS:
            raise RecipeError(f"codec.mode is {mode!r}: use auto, {', '.join(CHANNELS)}")
        for name, given, known in (
            ("fit", fit, ("crop", "pad", "stretch")),
            ("edges", edges, ("auto", "hard", "soft")),
            ("scaling", scaling, ("smooth", "pixel")),
            ("apart", apart, ("auto", "captions", "items")),
        ):
            if given not in known:
                raise RecipeError(f"codec.{name} is {given!r}: use {' or '.join(known)}")
        if not 0 <= palette <= 256 or palette == 1:
            raise RecipeError(f"codec.palette is {palette}: use 2 to 256 colours, or 0 for any")
        colour(background)
        self.mode, self.fitting, self.background = mode, fit, background
        self.edges, self.scaling, self.palette = edges, scaling, int(palette)
        self.mirrored, self.apart = mirrored, apart
        self.learnt: str | None = None if mode == "auto" else mode
        self.hard = edges == "hard"
        self.tell(control)

    @property
    def spec(self) -> ArraySpec:
        told = 0 if self.telling is None else self.telling.channels(self._channels())
        return ArraySpec(grid=self.grid, grids=self.grids, channels=self._channels(), control=told)

    @property
    def clear(self) -> bool:
        """Whether its pictures may have transparent places."""
        return self._mode() == "RGBA"

    def _channels(self) -> int:
        return CHANNELS[self._mode()]

    def _mode(self) -> str:
        if self.learnt is None:
            raise DataError("codec.mode is auto and no pictures were seen: call fit or set a mode")
        return self.learnt

    # --- files -----------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        reading = read_album(path)
        return paired(reading) if self.telling is not None and self.telling.beside else reading

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """PNG and SVG carry the record and return True; JPEG and WebP the mark "made by AI"."""
        image = as_picture(item).open()
        if Path(path).suffix.lower() == ".svg":
            return write_drawing(image, path, record, self.scaling == "pixel")
        return write_picture(image, path, record)

    def preview(self, items: Iterable[Any], path: Path, columns: int | None = None) -> Path:
        """A PNG sheet of the first pictures, captions under them where there are any."""
        pictures = [as_picture(item) for item, _ in zip(items, range(SHOWN), strict=False)]
        captions = self.captions(pictures)
        sheet = grid([p.open() for p in pictures], captions, columns)
        return write_atomic(Path(path), png_bytes(sheet, None))

    def film(self, items: Sequence[Any], step: int, folder: Path) -> Path:
        """Add a training's samples of a step to its film strip."""
        return film(items, step, folder)

    def save(self, folder: Path) -> None:
        options = {"size": list(self.grid), "mode": self.mode, "fit": self.fitting}
        options |= {name: getattr(self, name) for name in OPTIONS[3:]}
        options |= {} if self.told_option is None else {"control": self.told_option}
        options |= {} if self.sizes is None else {"sizes": self.sizes, "grids": self.grids}
        save_json(folder, self.kind, {**options, "learnt": self.learnt, "hard": self.hard})

    @classmethod
    def load(cls, folder: Path) -> Self:
        always, since = frozenset({*OPTIONS[:4], "learnt"}), TOLD | {*OPTIONS[4:], "hard"}
        values = load_json(folder, cls.kind, always, since)
        learnt, hard = values.pop("learnt"), values.pop("hard", False)
        grids = values.pop("grids", ())
        try:
            codec = cls(**values)
            codec.grids = buckets.named(grids or None, codec.grid)
        except (RecipeError, TypeError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if learnt is not None and learnt not in CHANNELS:
            raise ModelError(f"{folder} names the unknown mode {learnt!r}: restore it")
        codec.learnt, codec.hard = learnt, bool(hard)
        return codec

    # --- tensors ---------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """Choose the mode, the grids and, where there is transparency, whether edges are hard."""
        if not len(items):
            raise DataError("no pictures to learn from: give at least one")
        step = max(1, len(items) // SAMPLED)
        if self.sizes == "auto":
            self.grids = buckets.learnt(
                _shapes(items[i] for i in range(0, len(items), step)), self.grid
            )
        if self.mode != "auto" and (self.mode != "RGBA" or self.edges != "auto"):
            return
        looks = each(self._look, [as_picture(items[i]) for i in range(0, len(items), step)])
        clear = [look for look in looks if look.clear]
        if self.mode == "auto":
            self.learnt = "L" if all(look.grey for look in looks) else "RGB"
            self.learnt = "RGBA" if len(clear) >= CLEAR * len(looks) else self.learnt
        if self.edges == "auto":
            self.hard = 2 * sum(look.hard for look in clear) > len(clear)

    def _look(self, picture: Picture) -> _Look:
        image = picture.open()
        if image.mode == "L":
            return _Look(grey=True)
        pixels = np.asarray(flattened(image, "RGB", self.background))
        grey = bool((pixels == pixels[..., :1]).all())
        if image.mode != "RGBA":
            return _Look(grey=grey)
        size = (self.grid[1], self.grid[0])
        pixels = np.asarray(resized(image, size, self.fitting, self.scaling == "pixel"))
        return _Look(grey, alpha.has_clear(pixels), alpha.has_hard_edges(pixels))

    def encode(self, items: Iterable[Any]) -> Tensor | list[Tensor]:
        """float [N, C, H, W] within [-1, 1]; what lies beside real pictures as further channels. N
        arrays of unlike grids where there are several."""
        pictures = [as_picture(item) for item in items]
        if not self.grids:
            return self.beside(self.even(pictures), pictures)
        out = [torch.empty(0)] * len(pictures)
        for shape, rows in buckets.shared(_shapes(pictures), self.grids).items():
            mine = [pictures[n] for n in rows]
            for n, x in zip(rows, self.beside(self.even(mine, shape), mine), strict=True):
                out[n] = x
        return out

    def even(self, items: Iterable[Any], grid: tuple[int, int] | None = None) -> Tensor:
        """float [N, C, H, W] of the pictures alone, all on one grid, the usual one unless said."""
        pictures = [as_picture(item) for item in items]
        out = torch.empty(len(pictures), self._channels(), *(grid or self.grid))
        for start in range(0, len(pictures), CHUNK):
            some = pictures[start : start + CHUNK]
            pixels = np.stack(each(lambda picture: self._pixels(picture, grid), some))
            part = torch.from_numpy(pixels).permute(0, 3, 1, 2)
            if part.dtype == torch.uint8:
                part = part / 127.5 - 1
            out[start : start + CHUNK] = part
        return out

    def _pixels(self, picture: Picture, grid: tuple[int, ...] | None = None) -> np.ndarray:
        """uint8 [H, W, C]; with transparency float32 within [-1, 1], colours times alpha."""
        height, width = grid or self.grid
        source = picture.source
        ready = isinstance(source, np.ndarray) and source.shape == (height, width)
        if ready and self._mode() == "L" and not picture.flipped:
            return source[:, :, None]
        opened = picture.open(2 * max(height, width))
        image = flattened(opened, self._mode(), self.background)
        image = resized(image, (width, height), self.fitting, self.scaling == "pixel")
        pixels = np.asarray(image).reshape(height, width, -1)
        return alpha.multiplied(pixels, self.hard) if pixels.shape[2] == 4 else pixels

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Image.Image]:
        """Pillow images of arrays [N, C, H, W]; what lies outside [-1, 1] is clamped."""
        return [self._image(one) for one in x]

    def _image(self, one: Tensor) -> Image.Image:
        values = torch.nan_to_num(one.detach().float().cpu(), nan=-1.0).clamp(-1, 1)
        if len(values) == 4:
            pixels = alpha.divided(values.permute(1, 2, 0).numpy(), self.hard)
        else:
            pixels = ((values + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
        image = pillow().fromarray(pixels[:, :, 0] if len(values) == 1 else pixels.copy())
        return quantised(image, self.palette) if self.palette else image

    # --- given pictures (see canvas.py) ----------------------------------------------------------

    def grid_of(self, size: tuple[int, int]) -> tuple[int, ...]:
        return canvas.grid_of(size)

    def grid_near(self, item: Any) -> tuple[int, ...]:
        """The one of the grids that suits the picture's shape."""
        size = canvas.given(item).open().size[::-1]
        return buckets.nearest(size, self.grids) if self.grids else self.grid

    def begin(self, item: Any, grid: tuple[int, ...]) -> Tensor:
        """float [C, H, W]: any picture brought to the grid."""
        return canvas.begun(self._pixels(canvas.given(item), grid))

    def fresh(self, mask: Any, grid: tuple[int, ...], item: Any) -> Tensor:
        """float [H, W]: 1 where the mask says that the item is made anew."""
        return canvas.fresh(mask, grid, self.fitting, item)

    def holes(self, item: Any, grid: tuple[int, ...]) -> Tensor | None:
        """float [H, W]: 1 where the item has no colour of its own; None where it has everywhere."""
        return None if self._mode() == "RGBA" else canvas.holes(item, grid, self.fitting)

    def surround(
        self, item: Tensor, fresh: Tensor | None, margins: canvas.Margins
    ) -> tuple[Tensor, Tensor]:
        """The item and what of it is made anew, with room around it."""
        return canvas.surrounded(item, fresh, margins)

    # --- meaning ---------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str] | None:
        texts = [as_picture(item).caption for item in items]
        return [t or "" for t in texts] if any(texts) else None

    def keys(self, items: Sequence[Any]) -> list[str] | None:
        """What the training part and the held-out part do not share; None for nothing."""
        captions = None if self.apart == "items" else self.captions(items)
        if captions is None or (self.apart == "auto" and not _tells_apart(captions)):
            return None
        return [caption or f"\0{n}" for n, caption in enumerate(captions)]

    def vary(self, items: Sequence[Any], seed: int) -> Sequence[Any]:
        """With mirror images, where these are wanted."""
        if not self.mirrored:
            return items
        return [*items, *(as_picture(item).mirror() for item in items)]

    def sheet(self, items: Sequence[Any], columns: int | None = None) -> sheets.Sheet:
        """The pictures as equal cells of one transparent picture."""
        return sheets.Sheet.of([as_picture(item).open() for item in items], columns)

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """A picture has no fields: a prompt reaches it through the model's prompt codec."""
        if where is not None:
            raise RequestError(f"pictures have no columns to set: where={where!r}; use a prompt")
        return Condition()

    def called(self, items: Iterable[Any], caption: str) -> list[Picture]:
        """The pictures; those without a caption get this one."""
        return called(items, caption)

    def varied(self, items: Sequence[Any], count: int, flips: bool, seed: int) -> list[Picture]:
        """Each picture and count - 1 variations of it."""
        return varied(items, count, self.grid, flips, seed)

    def natural_side(self, items: Sequence[Any]) -> int:
        """The usual shorter side, a multiple of four, from 8 to 64."""
        step = max(1, len(items) // 64)
        sides = sorted(min(as_picture(items[i]).open().size) for i in range(0, len(items), step))
        return max(8, min(64, sides[len(sides) // 2] // 4 * 4))

    def features(self, items: Iterable[Any]) -> Tensor:
        """float [N, F]: pixels averaged to at most 16 x 16."""
        height, width = (min(16, side) for side in self.grid)
        return F.adaptive_avg_pool2d(self.even(items), (height, width)).flatten(1)

    def compare(self, real: Sequence[Any], made: Sequence[Any]) -> dict[str, float]:
        """Distances in the space of metric/fixed_features.py; every number is better lower.

        As many pictures of each side are used as the smaller has, since a Frechet distance depends
        on the count.
        """
        count = min(len(real), len(made), COMPARED)
        if count < 4:
            raise DataError(f"{len(real)} real and {len(made)} made pictures: 4 each are needed")
        a, b = (fixed_features(self.even(_spread(items, count))) for items in (real, made))
        precision, recall = precision_recall(a, b)
        return {
            "frechet_distance": frechet_distance(a, b),
            "kernel_distance": kernel_distance(a, b),
            "precision_error": 1 - precision,
            "recall_error": 1 - recall,
            "coverage_error": 1 - coverage(a, b),
        }


def _shapes(items: Iterable[Any]) -> list[tuple[int, int]]:
    """(height, width) of each picture."""
    sizes = each(lambda picture: picture.open().size, [as_picture(item) for item in items])
    return [(height, width) for width, height in sizes]


class _Look(NamedTuple):
    """What one sampled picture is like."""

    grey: bool
    clear: bool = False
    hard: bool = False


def _tells_apart(captions: Sequence[str]) -> bool:
    """Whether captions say which picture it is, rather than which class."""
    distinct = len(set(captions))
    return distinct >= MANY_CAPTIONS and len(captions) <= MOST_EACH * distinct


def _grid_size(size: int | Sequence[int]) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or not all(isinstance(s, int) and 4 <= s <= 4096 for s in sides):
        raise RecipeError(f"codec.size is {size!r}: use a side or (height, width), 4 to 4096 each")
    return sides


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """`count` items evenly over the collection, which may be sorted by class."""
    return [items[i * len(items) // count] for i in range(count)]
