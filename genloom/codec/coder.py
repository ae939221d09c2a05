"""A trained autoencoder with the codec of its pictures, as a part of the codecs that build on it.

Taken from the autoencoder's model folder (plain files: recipe.json, model.safetensors, codec/) when
a training begins, and kept in the codec's own folder from then on. Knows no family and no loop.
Shape legend: N pictures, C channels, Z latent channels, h and w the sides of the latents' grid.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom import tensor_files
from genloom.codec.base import Reading
from genloom.codec.image import ImageCodec
from genloom.codec.saving import write_atomic
from genloom.configure import configure, plain
from genloom.errors import GenloomError, ModelError, RecipeError
from genloom.net.autoencoder import Autoencoder
from genloom.net.unfilled import Unfilled

TOGETHER = 256  # pictures that are opened at a time
NET, WEIGHTS, PICTURES = "autoencoder.json", "autoencoder.safetensors", "pictures"


class Coder:
    """Pictures <-> latents, by a net at rest."""

    def __init__(self, pictures: ImageCodec, net: Autoencoder) -> None:
        self.pictures = pictures
        self.net = net.eval().requires_grad_(False).to(_device())

    @classmethod
    def of(cls, folder: Path) -> Self:
        """From the folder of an autoencoder's model. ModelError where it holds none."""
        try:
            net = json.loads((folder / "recipe.json").read_text("utf-8"))["net"]["net"]
            options = {name: value for name, value in net.items() if name != "kind"}
            kind = net["kind"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ModelError(
                f"no autoencoder at {folder}: give the folder or the name of a model that "
                "genloom train image-autoencoder has made"
            ) from None
        if kind != Autoencoder.kind:
            raise ModelError(
                f"the model at {folder} is no autoencoder but a {kind}: train one with "
                "genloom train image-autoencoder DATA"
            )
        weights = tensor_files.TensorFiles.open(folder)
        lead = "net."
        named = {n.removeprefix(lead): weights.read(n) for n in weights.names if n.startswith(lead)}
        return cls._built(folder / "codec", options, named, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`."""
        try:
            options = json.loads((folder / NET).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder / NET} cannot be read ({error}): restore it") from None
        weights = tensor_files.TensorFiles.open(folder / WEIGHTS)
        named = {name: weights.read(name) for name in weights.names}
        return cls._built(folder / PICTURES, options, named, folder)

    @classmethod
    def _built(
        cls, pictures: Path, options: Any, weights: Mapping[str, Tensor], folder: Path
    ) -> Self:
        codec = ImageCodec.load(pictures)
        try:
            config = configure(Autoencoder.Config, options, "net.net")
            with Unfilled():
                net = Autoencoder(config, codec.spec, None)
            net.load_state_dict({n: w.float() for n, w in weights.items()}, assign=True)
        except (GenloomError, ValueError, RuntimeError, TypeError) as error:
            why = str(error).splitlines()[0]
            raise ModelError(f"the autoencoder at {folder} does not load ({why})") from None
        return cls(codec, net)

    def save(self, folder: Path) -> None:
        write_atomic(folder / NET, json.dumps(plain(self.net.config), indent=1).encode())
        tensor_files.write(folder / WEIGHTS, self.net.state_dict())
        (folder / PICTURES).mkdir(exist_ok=True)
        self.pictures.save(folder / PICTURES)

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
        device = _device()
        return torch.cat([self.net.encode(p.to(device)).float().cpu() for p in x.split(TOGETHER)])

    @torch.no_grad()
    def outer(self, latents: Tensor) -> Tensor:
        """Latents [N, Z, h, w] -> arrays [N, C, H, W] on the CPU; what is no number counts as 0."""
        device = _device()
        parts = torch.nan_to_num(latents.detach().float(), 0.0, 0.0, 0.0).split(TOGETHER)
        return torch.cat([self.net.decode(p.to(device)).float().cpu() for p in parts])


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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
