"""From what is told of a picture to the picture: fully convolutional, so of any size.

All work happens on a grid `factor` times coarser: space to depth, residual blocks without
normalisation (Lim et al. 2017, EDSR, section 3.1), depth to space (Shi et al. 2016), added to what
is told itself, enlarged bicubically. Nothing looks further than `reach` pixels, so a large picture
can be made window by window without a seam. Two grid axes.
Shape legend: B items, C channels, K control channels, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.spec import ArraySpec, Spec, TokenSpec

BICUBIC = 2  # pixels to each side that the filter sees


@dataclass(frozen=True, kw_only=True)
class UpscalerConfig:
    """factor: how much coarser the grid is on which the net works. begins: what it adds to: what is
    told, enlarged from that grid ("coarse"), or as it stands ("control")."""

    factor: int = 4
    width: int = 64
    depth: int = 8
    begins: Literal["coarse", "control"] = "coarse"


class Block(nn.Module):
    """3x3, 3x3, added to the stream; starts near the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, a=0.1)
        nn.init.normal_(self.second.weight, std=0.1 * (9 * width) ** -0.5)
        for part in (self.first, self.second):
            if part.bias is not None:
                nn.init.zeros_(part.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.leaky_relu(self.first(x), 0.1))


class Upscaler(nn.Module):
    """control [B, K, H, W] -> (picture [B, C, H, W], {}), of any sides."""

    kind: ClassVar[str] = "upscaler"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"reconstructor"})
    hears: ClassVar[bool] = True
    needs_control: ClassVar[bool] = True  # it makes pictures out of nothing else
    local: ClassVar[bool] = True  # of any sides, and nothing looks further than `reach`
    Config = UpscalerConfig

    def __init__(self, config: UpscalerConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        if not spec.control or len(spec.grid) != 2:
            raise ValueError("an upscaler makes pictures out of others: set codec.control=coarse")
        self.factor, self.channels, self.begins = config.factor, spec.channels, config.begins
        self.reach = config.factor * (2 * config.depth + 2 + BICUBIC)
        area = config.factor**2
        self.into = nn.Conv2d(spec.control * area, config.width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(config.width) for _ in range(config.depth)))
        self.out = nn.Conv2d(config.width, spec.channels * area, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)
        net: Any = self
        net.to(memory_format=torch.channels_last)  # convolutions are half again as fast

    def forward(self, control: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        if self.training or control.device.type != "cpu":
            return self.whole(control), {}
        # One by one: a CPU's convolutions sum in another order for another number of pictures.
        return torch.cat([self.whole(one[None]) for one in control]), {}

    def whole(self, control: Tensor) -> Tensor:
        high, wide = control.shape[-2:]
        pad = (0, -wide % self.factor, 0, -high % self.factor)
        told = F.pad(control, pad, mode="replicate") if any(pad) else control
        small = F.pixel_unshuffle(told, self.factor).contiguous(memory_format=torch.channels_last)
        made = F.pixel_shuffle(self.out(self.blocks(self.into(small))), self.factor)
        return (self._begin(told) + made)[..., :high, :wide]

    def _begin(self, told: Tensor) -> Tensor:
        """[B, C, H, W]: the picture before anything was learnt."""
        told = _as_picture(told, self.channels)
        if self.begins == "control":
            return told
        small = F.avg_pool2d(told, self.factor)
        return F.interpolate(small, told.shape[-2:], mode="bicubic", align_corners=False)


def _as_picture(told: Tensor, channels: int) -> Tensor:
    """The channels of a picture out of what is told: brightness stands for each of three colours,
    and what is told besides the picture is left out."""
    if told.shape[1] >= channels:
        return told[:, :channels]
    alpha = told[:, 1:2] if channels == 4 else told[:, :0]
    return torch.cat((told[:, :1].expand(-1, 3, -1, -1), alpha), 1)
