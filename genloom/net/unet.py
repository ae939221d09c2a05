"""A U-Net from a noisy array and a time to a prediction of the array's own shape.

Residual blocks whose group norms hear the time and the prompt, halved and doubled grids joined by
skips, attention on grids small enough (Ho et al. 2020, appendix B; Dhariwal & Nichol 2021, section
3). Two grid axes, any sides that the halvings divide.
Shape legend: B items, C channels, K control channels, D channels of a stage, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.attention import FullAttention
from genloom.net.convolution import Convolution
from genloom.net.group_norm import GroupNorm
from genloom.net.grouped import grouped
from genloom.net.kept import KeptLinear
from genloom.net.layers import Linear, initialise
from genloom.net.prompt_encoder import PromptEncoder
from genloom.net.time import TimeEmbedding
from genloom.spec import ArraySpec, PromptSpec, Spec

TOLD = 16  # items whose times and prompts are read together


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """base: channels at the finest grid. factors: of it, a stage each; every stage halves the grid
    of the one before. blocks: residual blocks of a stage. attends: grids of at most so many places
    have attention. group: channels a group norm takes together."""

    base: int = 64
    factors: tuple[int, ...] = (1, 2, 2)
    blocks: int = 1
    attends: int = 256
    head: int = 32
    group: int = 8
    prompt_depth: int = 1


class _Block(nn.Module):
    """Two norms and convolutions, the second norm moved and scaled by what is told; added."""

    def __init__(self, first: int, last: int, told: int, config: UNetConfig) -> None:
        super().__init__()
        self.before = GroupNorm(_groups(first, config), first)
        self.one = Convolution(first, last, 3, padding=1)
        self.told = Linear(told, 2 * last)
        self.between = GroupNorm(_groups(last, config), last)
        self.two = Convolution(last, last, 3, padding=1)
        self.past = Convolution(first, last, 1) if first != last else nn.Identity()
        initialise(self.told, zero=(self.told, self.two))

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """told [B, 2 D]: what `self.told` made of the time and the prompt."""
        h = self.one(self.before(x, active=True))
        return self.past(x) + self.two(self.between(h, told, active=True))


class _Attention(nn.Module):
    """Each place looks at all others; added to the stream, which it leaves alone at the start."""

    def __init__(self, width: int, config: UNetConfig) -> None:
        super().__init__()
        self.heads = max(1, width // config.head)
        self.norm = GroupNorm(_groups(width, config), width)
        self.qkv, self.out = KeptLinear(width, 3 * width), KeptLinear(width, width)
        initialise(self.qkv)
        initialise(self.out, zero=(self.out,))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x).flatten(2).transpose(1, 2)  # [B, H W, D]
        q, k, v = self.qkv(h).unflatten(-1, (3 * self.heads, -1)).chunk(3, -2)
        h = self.out(FullAttention(rough=True)(0, q, k, v).flatten(-2))
        return x + h.transpose(1, 2).reshape(x.shape)


class _Stage(nn.Module):
    """Residual blocks on one grid, each with attention behind it where the grid is small."""

    def __init__(
        self, sizes: list[tuple[int, int]], told: int, attends: bool, config: UNetConfig
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(a, b, told, config) for a, b in sizes)
        self.looks = nn.ModuleList(_Attention(b, config) for _, b in sizes if attends)

    def forward(
        self, x: Tensor, told: list[Tensor], skips: list[Tensor] | None = None
    ) -> list[Tensor]:
        """What each block made, which takes the next of what is told, and beside its input one of
        the skips, if there are any."""
        made = []
        for number, block in enumerate(self.blocks):
            x = block(x if skips is None else torch.cat((x, skips.pop()), 1), told.pop(0))
            x = self.looks[number](x) if len(self.looks) else x
            made.append(x)
        return made


class UNet(nn.Module):
    """x [B, C, H, W], time [B], prompt or None, control [B, K, H, W] or None -> [B, C, H, W]."""

    kind: ClassVar[str] = "unet"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    hears: ClassVar[bool] = True
    adapts: ClassVar[tuple[str, ...]] = ("qkv", "out", "one", "two", "told", "into")
    Config = UNetConfig

    def __init__(self, config: UNetConfig, spec: Spec, prompt: PromptSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        _check(config, spec)
        widths, told = [config.base * f for f in config.factors], 4 * config.base
        self.time = TimeEmbedding(told)
        self.prompt = PromptEncoder(prompt, told, config.prompt_depth) if prompt else None
        self.into = Convolution(spec.channels + spec.control, widths[0], 3, padding=1)
        self.control = spec.control
        self.patch = 2 ** (len(config.factors) - 1)  # sides of a grid are multiples of it
        attends = [_places(spec, n) <= config.attends for n in range(len(widths))]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        skips, last = [widths[0]], widths[0]
        for number, width in enumerate(widths):
            sizes = [(last, width), *[(width, width)] * (config.blocks - 1)]
            self.down.append(_Stage(sizes, told, attends[number], config))
            skips += [width] * (config.blocks + (number < len(widths) - 1))
            last = width
        self.middle = _Stage([(last, last)] * 2, told, True, config)
        for number, width in reversed(list(enumerate(widths))):
            firsts = [last, *[width] * config.blocks]
            sizes = [(first + skips.pop(), width) for first in firsts]
            self.up.append(_Stage(sizes, told, attends[number], config))
            last = width
        self.halvers = nn.ModuleList(Convolution(w, w, 3, 2, 1) for w in widths[:-1])
        self.doublers = nn.ModuleList(Convolution(w, w, 3, padding=1) for w in widths[:0:-1])
        self.norm = GroupNorm(_groups(last, config), last)
        self.out = Convolution(last, spec.channels, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        net: Any = self
        net.to(memory_format=torch.channels_last)

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        prompt: Tensor | None = None,
        control: Tensor | None = None,
    ) -> Tensor:
        if self.training or x.device.type != "cpu":
            return self._whole(x, self._told(time, prompt), control)
        told = grouped(self._told, time, prompt, together=TOLD).float()
        return grouped(self._whole, x, told, control)

    def _blocks(self) -> list[Any]:
        """In the order in which they are gone through."""
        stages: Any = (*self.down, self.middle, *self.up)
        return [block for stage in stages for block in stage.blocks]

    def _told(self, time: Tensor, prompt: Tensor | None) -> Tensor:
        """What each block hears of the time and the prompt, side by side [B, sum of 2 D]: made for
        more items at once than grids are: it takes four of them as long as sixteen."""
        told = self.time(time)
        if self.prompt is not None and prompt is not None:
            told = told + self.prompt(prompt)[2]
        told = F.silu(told)
        return torch.cat([block.told(told) for block in self._blocks()], 1)

    def _whole(self, x: Tensor, told: Tensor, control: Tensor | None) -> Tensor:
        each = list(told.split([2 * block.between.num_channels for block in self._blocks()], 1))
        if self.control:
            silent = x.new_zeros(len(x), self.control, *x.shape[2:])
            x = torch.cat((x, silent if control is None else control.to(x.dtype)), 1)
        h = self.into(x.contiguous(memory_format=torch.channels_last))
        skips = [h]
        for number, stage in enumerate(self.down):
            skips += stage(skips[-1], each)
            if number < len(self.halvers):
                skips.append(self.halvers[number](skips[-1]))
        h = self.middle(skips[-1], each)[-1]
        for number, stage in enumerate(self.up):
            h = stage(h, each, skips)[-1]
            if number < len(self.doublers):
                h = self.doublers[number](F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.out(self.norm(h, active=True))


def _groups(width: int, config: UNetConfig) -> int:
    return max(1, width // config.group) if width % config.group == 0 else 1


def _places(spec: ArraySpec, halvings: int) -> int:
    return spec.grid[0] * spec.grid[1] // 4**halvings


def _check(config: UNetConfig, spec: ArraySpec) -> None:
    """ValueError where the grid cannot be halved so often, or sizes do not fit each other."""
    if len(spec.grid) != 2:
        raise ValueError(f"a U-Net needs a grid of two axes, not {spec.grid}")
    divisor = 2 ** (len(config.factors) - 1)
    for grid in (spec.grid, *spec.grids):
        if any(side % divisor for side in grid):
            raise ValueError(
                f"{len(config.factors)} factors halve a grid {len(config.factors) - 1} times, "
                f"which {grid} does not allow: use fewer factors"
            )
    widths = [config.base * factor for factor in config.factors]
    if min(widths, default=0) < 1 or config.blocks < 1 or any(w % config.head for w in widths):
        raise ValueError(
            f"base {config.base}, factors {config.factors}, blocks {config.blocks}: channels that "
            f"head {config.head} divides and at least one block are expected"
        )
