"""Pictures <-> latents of an autoencoder, scaled as pixels are: so few numbers that pictures of 128
to 512 pixels are made by the nets that make small ones (Rombach et al. 2022).

Knows the scale of each latent channel; the autoencoder is the business of coder.py.
Shape legend: N pictures, Z latent channels, h and w the sides of the latents' grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.codec.base import Condition
from genloom.codec.latent.coder import Coded, Coder
from genloom.codec.saving import load_json, save_json
from genloom.errors import DataError, ModelError, RequestError
from genloom.spec import ArraySpec

SPREAD = 0.5  # deviation of each latent channel: about that of pixels within [-1, 1]
SAMPLED = 4096  # pictures by which channels are scaled


class LatentCodec(Coded):
    """Latents [Z, h, w], each channel with mean 0 and deviation SPREAD over the training pictures.

    autoencoder  folder of a model made by `genloom train image-autoencoder`
    """

    kind: ClassVar[str] = "latent"
    carries: ClassVar[type] = ArraySpec

    def __init__(self, *, autoencoder: str = "") -> None:
        super().__init__(autoencoder=autoencoder)
        self.mean: Tensor = torch.zeros(0)
        self.deviation: Tensor = torch.zeros(0)

    @property
    def spec(self) -> ArraySpec:
        grids = tuple(self._coarse(grid) for grid in self.pictures.spec.grids)
        places = self.coder.net.config.places
        return ArraySpec(grid=self.coder.grid, channels=places, grids=grids)

    def _coarse(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(side // self.coder.factor for side in grid)

    def _fine(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(side * self.coder.factor for side in grid)

    # --- tensors ----------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """The scale of each channel, over pictures evenly from the collection."""
        if not len(items):
            raise DataError("no pictures to learn from: give at least one")
        count = min(len(items), SAMPLED)
        some = [items[n * len(items) // count] for n in range(count)]
        flat = torch.cat([one.flatten(1) for one in self.coder.latents(some)], 1)
        self.mean, self.deviation = flat.mean(1), flat.std(1).clamp(min=1e-6)

    def encode(self, items: Sequence[Any]) -> Tensor | list[Tensor]:
        """float [N, Z, h, w]; a list where the pictures have several grids."""
        found = self.coder.latents(items)
        if isinstance(found, Tensor):
            return self._scaled(found)
        return [self._scaled(one) for one in found]

    def _scaled(self, z: Tensor) -> Tensor:
        return (z - self.mean[:, None, None]) / self.deviation[:, None, None] * SPREAD

    def decode(self, x: Sequence[Tensor] | Tensor) -> Any:
        """Pillow images of latents."""
        if not len(x):
            return []
        if not isinstance(x, Tensor):
            if len({one.shape for one in x}) > 1:
                return [image for one in x for image in self.decode(one[None])]
            x = torch.stack([*x])
        x = x.detach().float().cpu() / SPREAD
        return self.pictures.decode(
            self.coder.outer(x * self.deviation[:, None, None] + self.mean[:, None, None])
        )

    # --- given pictures ---------------------------------------------------------------------------

    def grid_of(self, size: tuple[int, int]) -> tuple[int, ...]:
        """The latents' grid of pictures of (height, width)."""
        grid, factor = self.pictures.grid_of(size), self.coder.factor
        if any(side % factor for side in grid):
            near = " x ".join(str(max(1, round(side / factor)) * factor) for side in grid[::-1])
            raise RequestError(
                f"{size[1]} x {size[0]} is no multiple of {factor} pixels a side, which one place "
                f"of this model's latents covers: the nearest is {near}"
            )
        return self._coarse(grid)

    def grid_near(self, item: Any) -> tuple[int, ...]:
        """The latents' grid of the one that suits the picture's shape."""
        return self._coarse(self.pictures.grid_near(item))

    def begin(self, item: Any, grid: tuple[int, ...]) -> Tensor:
        """float [Z, h, w]: any picture brought to the grid."""
        return self._scaled(self.coder.inner(self.pictures.begin(item, self._fine(grid))[None])[0])

    def fresh(self, mask: Any, grid: tuple[int, ...], item: Any) -> Tensor:
        """float [h, w]: 1 where any pixel of a place is made anew."""
        return self._covered(self.pictures.fresh(mask, self._fine(grid), item))

    def holes(self, item: Any, grid: tuple[int, ...]) -> Tensor | None:
        found = self.pictures.holes(item, self._fine(grid))
        return None if found is None else self._covered(found)

    def _covered(self, fresh: Tensor) -> Tensor:
        return F.max_pool2d(fresh[None, None].float(), self.coder.factor)[0, 0]

    def surround(
        self, item: Tensor, fresh: Tensor | None, margins: tuple[int, int, int, int]
    ) -> tuple[Tensor, Tensor]:
        """Room around the latents, in whole places."""
        places = [-(-margin // self.coder.factor) for margin in margins]
        return self.pictures.surround(item, fresh, (places[0], places[1], places[2], places[3]))

    def condition(self, prompt: str | None, where: Any) -> Condition:
        return self.pictures.condition(prompt, where)

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        scale = {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}
        save_json(folder, self.kind, {"autoencoder": self.autoencoder, **scale})
        self.coder.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({"autoencoder", "mean", "deviation"}))
        codec = cls(autoencoder=values["autoencoder"])
        codec._coder = Coder.load(folder)
        try:
            codec.mean = torch.tensor(values["mean"], dtype=torch.float)
            codec.deviation = torch.tensor(values["deviation"], dtype=torch.float)
            fits = len(codec.mean) == len(codec.deviation) == codec.coder.net.config.places
        except (TypeError, ValueError, RuntimeError):
            fits = False
        if not fits:
            raise ModelError(f"{folder} has no scale for each latent channel: restore it")
        return codec
