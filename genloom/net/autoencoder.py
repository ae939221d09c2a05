"""A convolutional autoencoder for arrays of one to three grid axes, of sides its factor divides.

What lies between encoder and decoder is a normal distribution (Kingma & Welling 2014) or one of
finitely many codes at each place (net/finite.py). Fully convolutional without normalisation. Knows
arrays; not what is drawn, and no critic.
Shape legend: B items, C channels, Z latent channels, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log2
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.finite import FiniteScalar
from genloom.net.grouped import grouped
from genloom.spec import ArraySpec, Spec, TokenSpec

CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
BACK: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
WIDEST = (-12.0, 4.0)  # of the logarithm of the latents' variance


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """factor: how much coarser the latents' grid is, a power of two. patch: pixels a side that
    become channels at once, so that the costly finest grids are left out. width: channels there,
    doubled at each halving up to `most`. latent: channels of the latents. levels: of each latent
    channel, for codes instead (`latent` is then their number). divergence: weight of the latents'
    divergence from a standard normal, in nats a number of the item."""

    factor: int = 4
    patch: int = 2
    width: int = 64
    most: int = 128
    blocks: int = 2  # residual blocks at each grid, in the encoder and in the decoder
    group: int = 16  # channels a group in the middle convolution
    latent: int = 4
    levels: tuple[int, ...] = ()
    divergence: float = 1e-3

    @property
    def places(self) -> int:
        """Channels of the latents."""
        return len(self.levels) or self.latent

    def check(self) -> None:
        """ValueError where the sizes do not fit each other."""
        for name in ("factor", "patch"):
            side = getattr(self, name)
            if side < 1 or side & (side - 1):
                raise ValueError(f"{name} is {side}: a power of two is expected")
        if self.patch > self.factor:
            raise ValueError(f"patch {self.patch} is above the factor {self.factor}")
        if min(self.width, self.most, self.blocks, self.latent, self.group) < 1:
            raise ValueError("width, most, blocks, latent and group must be 1 or more")

    @property
    def widths(self) -> list[int]:
        """Channels at each grid, finest first."""
        halvings = int(log2(self.factor // self.patch))
        return [min(max(self.most, self.width), self.width * 2**n) for n in range(halvings + 1)]


class Block(nn.Module):
    """1x1 up, grouped 3x3, 1x1 down, added to the stream; starts near the identity."""

    def __init__(self, width: int, group: int, axes: int) -> None:
        super().__init__()
        hidden = -(-2 * width // group) * group
        self.up = CONV[axes](width, hidden, 1)
        self.mid = CONV[axes](hidden, hidden, 3, padding=1, groups=hidden // group)
        self.down = CONV[axes](hidden, width, 1)
        for part in (self.up, self.mid):
            nn.init.kaiming_normal_(part.weight)
            nn.init.zeros_(part.bias)
        nn.init.normal_(self.down.weight, std=0.3 / hidden**0.5)
        nn.init.zeros_(self.down.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = F.silu(self.up(x))
        return x + self.down(F.silu(self.mid(h)))


class Autoencoder(nn.Module):
    """x [B, C, *grid] -> (x again, {"divergence": float [B]} where the latents are normal)."""

    kind: ClassVar[str] = "autoencoder"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"reconstructor"})
    Config = AutoencoderConfig

    def __init__(self, config: AutoencoderConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        config.check()
        if len(spec.grid) not in CONV:
            raise ValueError(f"an autoencoder needs a grid of 1 to 3 axes, not {spec.grid}")
        for grid in (spec.grid, *spec.grids):
            if any(side % config.factor for side in grid):
                raise ValueError(f"factor {config.factor} must divide each side of {grid}")
        self.config, self.axes = config, len(spec.grid)
        self.patch = config.factor  # what has to divide each side
        self.finite = FiniteScalar(config.levels) if config.levels else None
        told = config.places * (1 if self.finite else 2)
        self.encoder = self._encoder(spec.channels, told)
        self.decoder = self._decoder(spec.channels)
        if self.axes == 2:
            net: Any = self
            net.to(memory_format=torch.channels_last)  # convolutions are half again as fast

    def _stage(self, width: int) -> list[nn.Module]:
        return [Block(width, self.config.group, self.axes) for _ in range(self.config.blocks)]

    def _encoder(self, channels: int, out: int) -> nn.Sequential:
        c, conv = self.config, CONV[self.axes]
        parts = [conv(channels, c.widths[0], c.patch, stride=c.patch), *self._stage(c.widths[0])]
        for fine, coarse in pairwise(c.widths):
            parts += [conv(fine, coarse, 2, stride=2), *self._stage(coarse)]
        return nn.Sequential(*parts, nn.SiLU(), conv(c.widths[-1], out, 3, padding=1))

    def _decoder(self, channels: int) -> nn.Sequential:
        c, conv, back = self.config, CONV[self.axes], BACK[self.axes]
        parts = [conv(c.places, c.widths[-1], 3, padding=1), *self._stage(c.widths[-1])]
        for coarse, fine in pairwise(c.widths[::-1]):
            parts += [back(coarse, fine, 2, stride=2), *self._stage(fine)]
        return nn.Sequential(*parts, nn.SiLU(), back(c.widths[0], channels, c.patch, c.patch))

    # --- the two halves ---------------------------------------------------------------------------

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """In training the latents are drawn, else they are the means."""
        if not self.training:
            return self.decode(self.encode(x)), {}
        h = self.encoder(_laid(x))
        if self.finite is not None:
            return self.decoder(_laid(self._quantised(h))), {}
        mean, spread = self._normal(h)
        drawn = mean + (0.5 * spread).exp() * torch.randn_like(mean)
        parts = {"divergence": self.config.divergence * self._divergence(mean, spread, x)}
        return self.decoder(_laid(drawn.to(h.dtype))), parts

    def encode(self, x: Tensor) -> Tensor:
        """[B, C, *grid] -> latents [B, Z, *grid / factor]: means, or levels within [-1, 1]."""
        h = _in_groups(self.encoder, x, self.training)
        return self._quantised(h) if self.finite is not None else self._normal(h)[0]

    def decode(self, z: Tensor) -> Tensor:
        """latents -> [B, C, *grid]; where there are levels, of the nearest ones."""
        if self.finite is not None:
            z = self.levels(self.ids(z))
        return _in_groups(self.decoder, z, self.training)

    def ids(self, z: Tensor) -> Tensor:
        """The codes of latents [B, Z, *places], long [B, *places]."""
        assert self.finite is not None
        return self.finite.ids(z.movedim(1, -1))

    def levels(self, ids: Tensor) -> Tensor:
        """The latents of codes; the inverse of `ids`."""
        assert self.finite is not None
        return self.finite.values(ids).movedim(-1, 1)

    def latents(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an item's latents."""
        return (self.config.places, *(side // self.config.factor for side in grid))

    def _quantised(self, h: Tensor) -> Tensor:
        assert self.finite is not None
        return self.finite.quantise(h.movedim(1, -1)).movedim(-1, 1).to(h.dtype)

    def _normal(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Means, and logarithms of the variances."""
        mean, spread = h.float().chunk(2, 1)
        return mean, spread.clamp(*WIDEST)

    def _divergence(self, mean: Tensor, spread: Tensor, x: Tensor) -> Tensor:
        """From the standard normal, nats a number of the item [B] (ibid., app. B)."""
        nats = 0.5 * (mean.square() + spread.exp() - 1 - spread)
        return nats.flatten(1).sum(1) / x[0].numel()


def _laid(x: Tensor) -> Tensor:
    """Channels last where there are two axes, whatever way the weights came into memory."""
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _in_groups(part: nn.Sequential, x: Tensor, training: bool) -> Tensor:
    """In the type of the weights; at inference on a CPU in groups of one size, so that no item
    depends on its batch mates (see net/grouped.py)."""
    first: Any = part[0]
    x = _laid(x.to(first.weight.dtype))
    if training or x.device.type != "cpu":
        return part(x)
    return grouped(part, x)
