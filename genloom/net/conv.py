"""A small convolutional generator and critic, mirror images of each other.

Residual blocks without normalisation, grouped 3x3 in the middle, bilinear resampling (after Huang
et al. 2024, R3GAN, section 3). Two grid axes.
Shape legend: B items, C channels, Z latent width, D prompt width.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.layers import Linear, initialise
from genloom.net.prompt_encoder import PromptEncoder
from genloom.spec import ArraySpec, Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class ConvConfig:
    """patch: pixels a side that become channels of one place, so that the costly finest grids are
    left out. base: channels at the finest grid, doubled at each halving up to `most`. bounded: what
    is generated goes through tanh, as pixels that are mostly black or white want."""

    patch: int = 1
    base: int = 32
    most: int = 128
    blocks: int = 1  # residual blocks at each grid
    group: int = 16  # channels a group in the middle convolution
    expansion: float = 1.5
    latent: int = 64
    bounded: bool = True
    prompt_width: int = 64
    prompt_depth: int = 1


# At inference pictures pass in groups of exactly this many: the CPU's convolutions sum in another
# order for other batch sizes (measured: 1 to 15 of 32 channels differ in the last bits from 16).
TOGETHER = 16


class _Steady(nn.Module):
    """A net whose result for an item does not depend on what else is in the batch, once trained."""

    def forward(self, x: Tensor, prompt: Tensor | None = None) -> Tensor:
        if self.training or x.device.type != "cpu":
            return self.whole(x, prompt)
        parts = [
            self._group(x[n : n + TOGETHER], None if prompt is None else prompt[n : n + TOGETHER])
            for n in range(0, len(x), TOGETHER)
        ]
        return torch.cat(parts)

    def _group(self, x: Tensor, prompt: Tensor | None) -> Tensor:
        rows = torch.arange(TOGETHER).clamp(max=len(x) - 1)
        return self.whole(x[rows], None if prompt is None else prompt[rows])[: len(x)]

    def whole(self, x: Tensor, prompt: Tensor | None, /) -> Tensor:
        raise NotImplementedError


def ladder(spec: ArraySpec, config: ConvConfig) -> list[tuple[tuple[int, int], int]]:
    """(grid, channels) from coarsest to finest; halves while both sides are even and above 4."""
    if len(spec.grid) != 2:
        raise ValueError(f"a convolutional net needs a grid of two axes, not {spec.grid}")
    if any(side % config.patch for side in spec.grid):
        raise ValueError(f"patch {config.patch} must divide each side of the grid {spec.grid}")
    grid = (spec.grid[0] // config.patch, spec.grid[1] // config.patch)
    steps = [(grid, config.base)]
    while min(grid) > 4 and not (grid[0] % 2 or grid[1] % 2):
        grid = (grid[0] // 2, grid[1] // 2)
        steps.append((grid, min(config.most, config.base * 2 ** len(steps))))
    return steps[::-1]


class ConvBlock(nn.Module):
    """1x1 up, grouped 3x3, 1x1 down, added to the stream; starts as the identity."""

    def __init__(self, channels: int, config: ConvConfig) -> None:
        super().__init__()
        hidden = max(config.group, round(config.expansion * channels / config.group) * config.group)
        self.up = nn.Conv2d(channels, hidden, 1, bias=False)
        self.mid = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden // config.group)
        self.down = nn.Conv2d(hidden, channels, 1, bias=False)
        for part in (self.up, self.mid):
            nn.init.kaiming_normal_(part.weight, a=0.2)
        if self.mid.bias is not None:
            nn.init.zeros_(self.mid.bias)
        nn.init.normal_(self.down.weight, std=0.1 / hidden**0.5)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.up(x), 0.2)
        return x + self.down(F.leaky_relu(self.mid(h), 0.2))


def _stage(channels: int, config: ConvConfig) -> nn.Sequential:
    return nn.Sequential(*(ConvBlock(channels, config) for _ in range(config.blocks)))


class ConvGenerator(_Steady):
    """z [B, Z] and prompt ids [B, P] or None -> [B, C, H, W]."""

    kind: ClassVar[str] = "conv_generator"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"generator"})
    Config = ConvConfig

    def __init__(self, config: ConvConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        self.latent, self.bounded = config.latent, config.bounded
        self.steps = ladder(spec, config)
        self.prompt = (
            PromptEncoder(prompt, config.prompt_width, config.prompt_depth) if prompt else None
        )
        (height, width), channels = self.steps[0]
        told = config.prompt_width if prompt else 0
        self.into = Linear(config.latent + told, channels * height * width)
        initialise(self.into)
        self.stages = nn.ModuleList(_stage(c, config) for _, c in self.steps)
        pairs = zip(self.steps, self.steps[1:], strict=False)
        self.widen = nn.ModuleList(nn.Conv2d(a[1], b[1], 1, bias=False) for a, b in pairs)
        self.patch = config.patch
        values = spec.channels * config.patch**2
        self.out = nn.Conv2d(self.steps[-1][1], values, 3, padding=1)
        net: Any = self
        net.to(memory_format=torch.channels_last)  # convolutions are half again as fast

    def whole(self, z: Tensor, prompt: Tensor | None) -> Tensor:
        if self.prompt is not None and prompt is not None:
            z = torch.cat((z, self.prompt(prompt)[2]), -1)
        (height, width), channels = self.steps[0]
        h = self.into(z).reshape(-1, height, width, channels).permute(0, 3, 1, 2)  # channels last
        h = self.stages[0](h)
        for stage, widen in zip(list(self.stages)[1:], self.widen, strict=True):
            h = F.interpolate(widen(h), scale_factor=2, mode="bilinear", align_corners=False)
            h = stage(h)
        made = F.pixel_shuffle(self.out(F.leaky_relu(h, 0.2)), self.patch)
        return made.tanh() if self.bounded else made


class ConvCritic(_Steady):
    """x [B, C, H, W] and prompt ids or None -> how real, float [B].

    The prompt enters by projection (Miyato & Koyama 2018, eq. 4).
    """

    kind: ClassVar[str] = "conv_critic"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"critic"})
    Config = ConvConfig

    def __init__(self, config: ConvConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        steps = ladder(spec, config)[::-1]
        self.patch = config.patch
        values = spec.channels * config.patch**2
        self.into = nn.Conv2d(values, steps[0][1], 3, padding=1)
        self.stages = nn.ModuleList(_stage(c, config) for _, c in steps)
        pairs = itertools.pairwise(steps)
        self.widen = nn.ModuleList(nn.Conv2d(a[1], b[1], 1, bias=False) for a, b in pairs)
        (height, width), channels = steps[-1]
        self.prompt = (
            PromptEncoder(prompt, config.prompt_width, config.prompt_depth) if prompt else None
        )
        told = config.prompt_width if prompt else 0
        self.out = Linear(channels * height * width, 1 + told)
        initialise(self.out)
        net: Any = self
        net.to(memory_format=torch.channels_last)

    def whole(self, x: Tensor, prompt: Tensor | None) -> Tensor:
        h = F.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last)
        h = self.into(h)
        for index, stage in enumerate(self.stages):
            if index:
                h = F.avg_pool2d(self.widen[index - 1](h), 2)
            h = stage(h)
        h = self.out(F.leaky_relu(h, 0.2).flatten(1))
        if self.prompt is None or prompt is None:
            return h[:, 0]
        told = self.prompt(prompt)[2]
        return h[:, 0] + (h[:, 1:] * told).sum(-1) * told.shape[-1] ** -0.5
