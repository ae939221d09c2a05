"""Pictures together with what is in them <-> arrays: the picture's channels and one for each class.

A model of such arrays makes a picture and its mask at once, so that each belongs to the other; how
many things of which class there are to be is said in words. Knows arrays and counts; files are the
business of labelled_files.py.
Shape legend: N items, C channels of the picture, K classes, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.image.codec import ImageCodec
from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.codec.image.labelled_files import PALETTE, read_labelled, write_labelled
from genloom.codec.image.labelled_item import LEAST, Labelled, asked, found, told
from genloom.codec.image.pictures import Picture, pillow
from genloom.codec.image.resize import resized
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import ArraySpec, Span

SHOWN = 32  # items of a preview
VEIL = 0.55  # how much of a class's colour lies over the picture there


class LabelledCodec:
    """Pictures with masks as float arrays.

    size   side of the square grid, or (height, width)
    mode   "L", "RGB", or "auto": L when every sampled picture is grey
    fit    "crop": the short side is fitted, the middle kept; "stretch"
    least  pixels of a thing on the grid; fewer are specks, which are not counted
    """

    kind: ClassVar[str] = "labelled"
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
        mode: Literal["auto", "L", "RGB"] = "auto",
        fit: Literal["crop", "stretch"] = "crop",
        least: int = LEAST,
    ) -> None:
        if mode not in ("auto", "L", "RGB") or fit not in ("crop", "stretch"):
            raise RecipeError(
                f"codec.mode is {mode!r} and codec.fit {fit!r}: use auto, L or RGB; crop or stretch"
            )
        if least < 1:
            raise RecipeError(f"codec.least is {least}: use 1 pixel or more")
        self.pictures = ImageCodec(size=size, mode=mode, fit=fit)
        self.mode, self.fitting, self.least = mode, fit, int(least)
        self.classes: tuple[str, ...] = ()

    @property
    def spec(self) -> ArraySpec:
        if not self.classes:
            raise DataError("no labelled pictures were seen: call fit first")
        plain = self.pictures.spec
        spans = [Span(name="picture", start=0, size=plain.channels, kind="number")]
        for n, name in enumerate(self.classes):
            spans.append(Span(name=name, start=plain.channels + n, size=1, kind="number"))
        channels = plain.channels + len(self.classes)
        return ArraySpec(grid=plain.grid, channels=channels, spans=tuple(spans))

    # --- files -----------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        return read_labelled(path)

    def write(self, item: Labelled, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """The picture with the record, beside it name_mask.png and name_boxes.json."""
        return write_labelled(item, path, record)

    def preview(self, items: Iterable[Any], path: Path) -> Path:
        """A sheet: each picture beside itself with its classes in colours, its counts below."""
        shown = [item for item, _ in zip(items, range(SHOWN), strict=False)]
        sheet = grid([self._overlaid(item) for item in shown], self.captions(shown), cell=192)
        return write_atomic(Path(path), png_bytes(sheet, None))

    def _overlaid(self, item: Labelled) -> Any:
        x = self._picture(item)
        image = self.pictures.decode(x[None])[0].convert("RGB")
        labels = self._labels(item)
        pixels = np.asarray(image).astype(float)
        colours = np.array(PALETTE, float)[labels % len(PALETTE)]
        share = VEIL * (labels > 0)[..., None]
        veiled = (pixels * (1 - share) + colours * share).astype(np.uint8)
        both = np.concatenate([np.asarray(image), veiled], 1)
        return pillow().fromarray(np.ascontiguousarray(both))

    def save(self, folder: Path) -> None:
        options = {"size": list(self.pictures.grid), "mode": self.mode, "fit": self.fitting}
        options |= {"least": self.least, "classes": list(self.classes)}
        save_json(folder, self.kind, {**options, "learnt": self.pictures.learnt})

    @classmethod
    def load(cls, folder: Path) -> Self:
        keys = frozenset({"size", "mode", "fit", "least", "classes", "learnt"})
        values = load_json(folder, cls.kind, keys)
        classes, learnt = values.pop("classes"), values.pop("learnt")
        try:
            codec = cls(**values)
        except (RecipeError, TypeError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ModelError(f"{folder}: classes must be a list of names; restore it")
        codec.classes, codec.pictures.learnt = tuple(classes), learnt
        return codec

    # --- tensors ---------------------------------------------------------------------------------

    def fit(self, items: Sequence[Labelled]) -> None:
        """The mode of the pictures, and the names of the classes."""
        if not len(items):
            raise DataError("no labelled pictures to learn from: give at least one")
        self.pictures.fit([item.picture for item in items])
        if self.pictures.learnt == "RGBA":
            self.pictures.learnt = "RGB"
        self.classes = items[0].classes
        if any(item.classes != self.classes for item in items):
            raise DataError("the items name unlike classes: give all of them the same")

    def encode(self, items: Sequence[Labelled]) -> Tensor:
        """float [N, C + K, H, W] within [-1, 1]; a class is 1 where it is, -1 elsewhere."""
        pictures = torch.stack([*self.pictures.encode([item.picture for item in items])])
        numbers = torch.arange(1, 1 + len(self.classes))[:, None, None]
        masks = torch.zeros(len(pictures), len(self.classes), *self.pictures.grid)
        for row, item in enumerate(items):
            labels = torch.from_numpy(self._labels(item).astype(np.int64))
            masks[row] = 2 * (labels[None] == numbers).float() - 1
        return torch.cat([pictures, masks], 1)

    def _picture(self, item: Labelled) -> Tensor:
        """float [C, H, W]"""
        return self.pictures.encode([item.picture])[0]

    def _labels(self, item: Labelled) -> np.ndarray:
        """uint8 [H, W] on the grid: numbers are never blended."""
        labels, (height, width) = item.labels(), self.pictures.grid
        if labels.shape == (height, width):
            return labels
        image = pillow().fromarray(np.ascontiguousarray(labels))
        return np.asarray(resized(image, (width, height), self.fitting, True))

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Labelled]:
        """Each pixel is of the class that is strongest there, where one is stronger than absent."""
        channels = self.pictures.spec.channels
        out = []
        for one in x:
            masks = torch.nan_to_num(one[channels:].detach().float().cpu(), nan=-1.0)
            strength, number = masks.max(0)
            labels = torch.where(strength > 0, number + 1, 0).to(torch.uint8).numpy()
            image = self.pictures.decode(one[None, :channels])[0]
            out.append(Labelled(picture=Picture(image), mask=labels, classes=self.classes))
        return out

    # --- meaning ---------------------------------------------------------------------------------

    def counts(self, item: Labelled) -> dict[str, int]:
        """How many things of each class there are on the grid."""
        boxes = found(self._labels(item), item.classes, self.least)
        return {name: sum(box.label == name for box in boxes) for name in item.classes}

    def captions(self, items: Iterable[Labelled]) -> list[str]:
        return [told(self.counts(item)) for item in items]

    def worded(self, prompt: str | None, where: Any) -> str | None:
        """The prompt as training said it: "2 cars, 1 sign" of "a sign and 2 cars", or of conditions
        such as {"car": 2, "sign": 1} or "car = 2 and sign = 1"."""
        if where is None:
            return None if prompt is None else told(asked(prompt, self.classes))
        if prompt is not None:
            raise RequestError("counts are said once: give a prompt or --where, not both")
        if isinstance(where, str):
            where = dict(part.split("=", 1) for part in where.split(" and ") if "=" in part)
        words = ", ".join(f"{count} {str(name).strip()}" for name, count in dict(where).items())
        return told(asked(words.replace("  ", " "), self.classes))

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """Counts reach it through the model's prompt codec."""
        if where is not None:
            raise RequestError("this model was trained without counts: leave out --where")
        return Condition()

    def natural_side(self, items: Sequence[Labelled]) -> int:
        return self.pictures.natural_side([item.picture for item in items])

    def features(self, items: Iterable[Labelled]) -> Tensor:
        """float [N, F]: of the pictures alone."""
        return self.pictures.features([item.picture for item in items])

    def compare(self, real: Sequence[Labelled], made: Sequence[Labelled]) -> dict[str, float]:
        """Of the pictures alone, and how far the classes' shares of the pixels are off."""
        sides = [[item.picture for item in side] for side in (real, made)]
        shares = [self._shares(side) for side in (real, made)]
        off = float(abs(shares[0] - shares[1]).mean())
        return {**self.pictures.compare(*sides), "class_share_error": off}

    def _shares(self, items: Sequence[Labelled]) -> np.ndarray:
        """float [K], of all pixels."""
        numbers = np.arange(1, 1 + len(self.classes))
        each = [(self._labels(item)[..., None] == numbers).mean((0, 1)) for item in items]
        return np.mean(each, 0)
