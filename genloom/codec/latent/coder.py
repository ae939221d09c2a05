"""A trained autoencoder with the codec of its pictures, as a part of the codecs that build on it.

How it is taken from its model's folder and kept is the business of kept.py. Knows no family and no
loop.
Shape legend: N pictures, C channels, Z latent channels, h and w the sides of the latents' grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from genloom.codec.base import Reading
from genloom.codec.image.codec import ImageCodec
from genloom.codec.kept import Kept, device
from genloom.errors import RecipeError
from genloom.net.autoencoder import Autoencoder

TOGETHER = 256  # pictures that are opened at a time


class Coder(Kept):
    """Pictures <-> latents, by a net at rest."""

    nets = Autoencoder
    codecs = ImageCodec
    called = "autoencoder"
    made_by = "genloom train image-autoencoder"
    files = ("autoencoder.json", "autoencoder.safetensors", "pictures")

    @property
    def pictures(self) -> ImageCodec:
        pictures: ImageCodec = self.codec
        return pictures

    @property
    def factor(self) -> int:
        """Pixels a side of one place of the latents."""
        return self.net.config.factor

    @property
    def grid(self) -> tuple[int, ...]:
        """The usual sides of latents."""
        return tuple(side // self.factor for side in self.pictures.grid)

    def latents(self, items: Sequence[Any]) -> Tensor | list[Tensor]:
        """float [N, Z, h, w] of pictures, opened and encoded a few at a time; a list where the
        pictures have several grids."""
        parts: list[Any] = []
        for start in range(0, len(items), TOGETHER):
            some = [items[n] for n in range(start, min(start + TOGETHER, len(items)))]
            x = self.pictures.encode(some)
            whole = isinstance(x, Tensor)
            parts.append(self.inner(x) if whole else [self.inner(one[None])[0] for one in x])
        if parts and isinstance(parts[0], list):
            return [one for part in parts for one in part]
        shape = (0, *self.net.latents(self.pictures.grid))
        return torch.cat(parts) if parts else torch.zeros(shape)

    @torch.no_grad()
    def inner(self, x: Tensor) -> Tensor:
        """Arrays [N, C, H, W] -> latents, on the CPU."""
        place = device()
        return torch.cat([self.net.encode(p.to(place)).float().cpu() for p in x.split(TOGETHER)])

    @torch.no_grad()
    def outer(self, latents: Tensor) -> Tensor:
        """Latents [N, Z, h, w] -> arrays [N, C, H, W] on the CPU; what is no number counts as 0."""
        place = device()
        parts = torch.nan_to_num(latents.detach().float(), 0.0, 0.0, 0.0).split(TOGETHER)
        return torch.cat([self.net.decode(p.to(place)).float().cpu() for p in parts])


class Coded:
    """What codecs that build on an autoencoder share: all that concerns pictures as such is the
    business of its codec of pictures, asked by name. autoencoder: the folder of its model, needed
    until `fit` has read it."""

    media: ClassVar[str] = ImageCodec.media
    suffix: ClassVar[str] = ImageCodec.suffix
    preview_suffix: ClassVar[str] = ImageCodec.preview_suffix
    compares: ClassVar[bool] = True
    conditional: ClassVar[bool] = False
    lossy: ClassVar[bool] = True  # what is decoded and encoded again is near, not the same
    models: ClassVar[tuple[str, ...]] = ("autoencoder",)  # options that name another model

    def __init__(self, *, autoencoder: str = "") -> None:
        self.autoencoder = autoencoder
        self._coder: Coder | None = None
        self._plain = ImageCodec()  # reads pictures before there is an autoencoder

    @property
    def coder(self) -> Coder:
        """RecipeError where none was named."""
        if self._coder is None:
            if not self.autoencoder:
                raise RecipeError(
                    "there is no autoencoder to build on: train one on the same pictures (genloom "
                    "train image-autoencoder or image-tokenizer) and name it with "
                    "--set codec.autoencoder=MODEL"
                )
            self._coder = Coder.of(Path(self.autoencoder))
        return self._coder

    @property
    def pictures(self) -> ImageCodec:
        """The codec of the autoencoder's pictures."""
        return self.coder.pictures if self._coder is not None else self._plain

    def __getattr__(self, name: str) -> Any:
        """Whatever else codecs of pictures can do."""
        if name.startswith("_") or name in ("pictures", "coder"):
            raise AttributeError(name)
        return getattr(self.pictures, name)

    def read(self, path: Path) -> Reading:
        return self.pictures.read(path)

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        return self.pictures.write(item, path, record)

    def preview(self, items: Iterable[Any], path: Path, columns: int | None = None) -> Path:
        return self.pictures.preview(items, path, columns)

    def vary(self, items: Sequence[Any], seed: int) -> Sequence[Any]:
        return self.coder.pictures.vary(items, seed)

    def captions(self, items: Iterable[Any]) -> Sequence[str] | None:
        return self.pictures.captions(items)

    def natural_side(self, items: Sequence[Any]) -> int:
        """The side of the latents' grid, where the autoencoder is there to be asked."""
        return min(self.coder.grid) if self.autoencoder else self.pictures.natural_side(items)

    def features(self, items: Iterable[Any]) -> Tensor:
        return self.pictures.features(items)

    def compare(self, real: Sequence[Any], made: Sequence[Any]) -> dict[str, float]:
        return self.pictures.compare(real, made)
