"""A small convolutional generator and critic, mirror images of each other.

Residual blocks without normalisation, grouped 3x3 in the middle, bilinear resampling (after Huang
et al. 2024, R3GAN, section 3). Two grid axes.
Shape legend: B items, C channels, K channels of the control, Z latent width, D prompt width, S
style width (Z and what is told).
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.grouped import grouped
from genloom.net.layers import Linear, initialise
from genloom.net.prompt_encoder import PromptEncoder
from genloom.spec import ArraySpec, Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class ConvConfig:
    """patch: pixels a side that become channels of one place, so that the costly finest grids are
    left out. base: channels at the finest grid, doubled at each halving up to `most`. levels: of
    grids, 0 for as many as the spec's grid can be halved to. bounded: what is generated goes
    through tanh, as pixels that are mostly black or white want. styled: latent and prompt scale the
    channels of every block, too, not only of the coarsest grid. patches: the critic's verdicts are
    one a place of its coarsest grid, [B, places], on a grid of any size (Isola et al. 2017, section
    3.2.2)."""

    patch: int = 1
    base: int = 32
    most: int = 128
    blocks: int = 1  # residual blocks at each grid
    group: int = 16  # channels a group in the middle convolution
    expansion: float = 1.5
    levels: int = 0
    latent: int = 64
    bounded: bool = True
    styled: bool = False
    patches: bool = False
    prompt_width: int = 64
    prompt_depth: int = 1


ENLARGED = 1.6  # makes up for what bilinear enlarging takes of the deviation of fresh noise


class _Steady(nn.Module, ABC):
    """A net whose result for an item does not depend on what else is in the batch, once trained."""

    def forward(
        self, x: Tensor, prompt: Tensor | None = None, control: Tensor | None = None
    ) -> Tensor:
        if self.training or x.device.type != "cpu":
            return self.whole(x, prompt, control)
        return grouped(self.whole, x, prompt, control)

    @abstractmethod
    def whole(self, x: Any, prompt: Tensor | None, control: Tensor | None, /) -> Tensor:
        """All items at once."""


def ladder(spec: ArraySpec, config: ConvConfig) -> list[tuple[tuple[int, int], int]]:
    """(grid, channels) from coarsest to finest; halves while both sides are even and above 4."""
    if len(spec.grid) != 2:
        raise ValueError(f"a convolutional net needs a grid of two axes, not {spec.grid}")
    if not config.patches and any(side % config.patch for side in spec.grid):
        raise ValueError(f"patch {config.patch} must divide each side of the grid {spec.grid}")
    grid = (spec.grid[0] // config.patch, spec.grid[1] // config.patch)
    steps = [(grid, config.base)]
    most = config.levels or max(grid)
    while len(steps) < most and min(grid) > 4 and not (grid[0] % 2 or grid[1] % 2):
        grid = (grid[0] // 2, grid[1] // 2)
        steps.append((grid, min(config.most, config.base * 2 ** len(steps))))
    return steps[::-1]


class ConvBlock(nn.Module):
    """1x1 up, grouped 3x3, 1x1 down, added to the stream; starts as the identity. style: width of
    a vector that scales the channels in the middle, 0 for none."""

    def __init__(self, channels: int, config: ConvConfig, style: int = 0) -> None:
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
        self.scale = Linear(style, hidden) if style else None
        if self.scale is not None:
            nn.init.normal_(self.scale.weight, std=0.3 / style**0.5)
            nn.init.zeros_(self.scale.bias)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        h = F.leaky_relu(self.up(x), 0.2)
        if self.scale is not None and style is not None:
            h = h * (1 + self.scale(style))[:, :, None, None]
        return x + self.down(F.leaky_relu(self.mid(h), 0.2))  # the stream stays in x's precision


def _stage(channels: int, config: ConvConfig, style: int = 0) -> nn.ModuleList:
    return nn.ModuleList(ConvBlock(channels, config, style) for _ in range(config.blocks))


def _keep_scale(*parts: nn.Module, gain: float = 1.0) -> None:
    """What goes in with variance 1 comes out so: else a generator begins with one grey item, and
    loses before its latents are heard."""
    for part in parts:
        weight: Any = part.weight
        nn.init.normal_(weight, std=gain * weight[0].numel() ** -0.5)
        bias: Any = part.bias
        if bias is not None:
            nn.init.zeros_(bias)


def _controls(steps: list[tuple[tuple[int, int], int]], spec: ArraySpec) -> nn.ModuleList | None:
    """What is told of an item besides its prompt enters at every grid."""
    if not spec.control:
        return None
    return nn.ModuleList(nn.Conv2d(spec.control, c, 3, padding=1) for _, c in steps)


class ConvGenerator(_Steady):
    """z [B, Z], prompt ids [B, P] or None, control [B, K, H, W] or None -> [B, C, H, W]."""

    kind: ClassVar[str] = "conv_generator"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"generator"})
    hears: ClassVar[bool] = True
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
        told = config.latent + (config.prompt_width if prompt else 0)
        self.into = Linear(told, channels * height * width)
        initialise(self.into)
        style = told if config.styled else 0
        self.stages = nn.ModuleList(_stage(c, config, style) for _, c in self.steps)
        pairs = zip(self.steps, self.steps[1:], strict=False)
        self.widen = nn.ModuleList(nn.Conv2d(a[1], b[1], 1, bias=False) for a, b in pairs)
        self.controls = _controls(self.steps, spec)
        self.patch = config.patch
        values = spec.channels * config.patch**2
        self.out = nn.Conv2d(self.steps[-1][1], values, 3, padding=1)
        _keep_scale(self.out, *(self.controls or ()))
        _keep_scale(*self.widen, gain=ENLARGED)
        net: Any = self
        net.to(memory_format=torch.channels_last)  # convolutions are half again as fast

    def whole(self, z: Tensor, prompt: Tensor | None, control: Tensor | None) -> Tensor:
        if self.prompt is not None and prompt is not None:
            z = torch.cat((z, self.prompt(prompt)[2]), -1)
        (height, width), channels = self.steps[0]
        h = self.into(z).float().reshape(-1, height, width, channels)
        h = h.permute(0, 3, 1, 2)  # channels last
        for number, stage in enumerate(self.stages):
            if number:
                h = self.widen[number - 1](h).float()
                h = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
            if self.controls is not None and control is not None:
                h = h + self.controls[number](F.adaptive_avg_pool2d(control, self.steps[number][0]))
            for block in cast(nn.ModuleList, stage):
                h = block(h, z)
        made = F.pixel_shuffle(self.out(F.leaky_relu(h, 0.2)).float(), self.patch)
        return made.tanh() if self.bounded else made

    def entrances(self) -> Tensor:
        """float [N, Z]: every row that a latent is multiplied with."""
        rows = [self.into.weight]
        for stage in self.stages:
            blocks: Any = stage
            rows += [block.scale.weight for block in blocks if block.scale is not None]
        return torch.cat([weight[:, : self.latent] for weight in rows])


class ConvCritic(_Steady):
    """x [B, C, H, W], prompt ids or None, control [B, K, H, W] or None -> how real, float [B], or
    [B, places] where it judges patches.

    The prompt enters by projection (Miyato & Koyama 2018, eq. 4).
    """

    kind: ClassVar[str] = "conv_critic"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"critic"})
    hears: ClassVar[bool] = True
    Config = ConvConfig

    def __init__(self, config: ConvConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        steps = ladder(spec, config)[::-1]
        self.patch = config.patch
        values = (spec.channels + spec.control) * config.patch**2
        self.into = nn.Conv2d(values, steps[0][1], 3, padding=1)
        self.stages = nn.ModuleList(_stage(c, config) for _, c in steps)
        pairs = itertools.pairwise(steps)
        self.widen = nn.ModuleList(nn.Conv2d(a[1], b[1], 1, bias=False) for a, b in pairs)
        (height, width), channels = steps[-1]
        self.prompt = (
            PromptEncoder(prompt, config.prompt_width, config.prompt_depth) if prompt else None
        )
        told = config.prompt_width if prompt else 0
        self.patches = config.patches
        self.out = Linear(channels * (1 if config.patches else height * width), 1 + told)
        initialise(self.out)
        _keep_scale(self.into, *self.widen)
        net: Any = self
        net.to(memory_format=torch.channels_last)

    def whole(self, x: Tensor, prompt: Tensor | None, control: Tensor | None) -> Tensor:
        h = F.leaky_relu(self.seen(x, control)[-1], 0.2)
        h = h.permute(0, 2, 3, 1).flatten(1, 2) if self.patches else h.flatten(1)
        with torch.autocast(h.device.type, enabled=False):  # verdicts differ by little
            h = self.out(h.float())
        if self.prompt is None or prompt is None:
            return h[..., 0]
        told = self.prompt(prompt)[2]
        told = told[:, None] if self.patches else told
        return h[..., 0] + (h[..., 1:] * told).sum(-1) * told.shape[-1] ** -0.5

    def seen(self, x: Tensor, control: Tensor | None = None) -> list[Tensor]:
        """float [B, D, h, w] each: what it sees at every grid, from the finest."""
        x = x if control is None else torch.cat((x, control), 1)
        h = F.pixel_unshuffle(_filled(x, self.patch), self.patch)
        h = self.into(h.contiguous(memory_format=torch.channels_last)).float()
        out: list[Tensor] = []
        for number, stage in enumerate(self.stages):
            if number:
                h = F.avg_pool2d(self.widen[number - 1](h).float(), 2)
            for block in cast(nn.ModuleList, stage):
                h = block(h)
            out.append(h)
        return out


def _filled(x: Tensor, patch: int) -> Tensor:
    """Sides that the patch does not divide are filled up with their edge."""
    down, right = (-side % patch for side in x.shape[2:])
    return F.pad(x, (0, right, 0, down), mode="replicate") if down or right else x
