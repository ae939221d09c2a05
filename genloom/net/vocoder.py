"""Signals out of frames that tell of them, by way of a spectrum: magnitudes and phases of each
frame, overlapped and added.

Vocos (Siuzdak 2023): ConvNeXt blocks (Liu et al. 2022) at the rate of the frames, then an inverse
Fourier transform, so that nothing is ever computed sample by sample. Looks no further than `reach`
frames, so it makes any length. Knows arrays of one grid axis; not what sounds.
Shape legend: B items, K channels told, T frames, D width, F frequencies, N = T * hop places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.sound.spectra import Frames
from genloom.spec import ArraySpec, Spec, TokenSpec

KERNEL = 7
LOUDEST = 4.6  # logarithm of a magnitude, beyond which nothing is made


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """overlap: how many hops a frame's window is long. expansion: of a block's middle."""

    width: int = 256
    depth: int = 6
    expansion: int = 3
    overlap: int = 4


class Block(nn.Module):
    """7 frames, channel by channel; normalised, up and down again; added by a learnt share."""

    def __init__(self, width: int, expansion: int, share: float) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, expansion * width)
        self.down = nn.Linear(expansion * width, width)
        self.share = nn.Parameter(torch.full((width,), share))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.mix(x).transpose(1, 2))
        return x + (self.share * self.down(F.gelu(self.up(h)))).transpose(1, 2)


class Vocoder(nn.Module):
    """control [B, K, T] -> (signal [B, 1, T * hop], {}), of any number of frames."""

    kind: ClassVar[str] = "vocoder"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"reconstructor"})
    hears: ClassVar[bool] = True
    strides: ClassVar[bool] = True  # what it is told may be coarser than what it makes
    needs_control: ClassVar[bool] = True
    local: ClassVar[bool] = True
    Config = VocoderConfig

    def __init__(self, config: VocoderConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        if len(spec.grid) != 1 or spec.channels != 1 or spec.stride < 2 or not spec.control:
            raise ValueError(
                "a vocoder makes signals out of frames: use codec.kind=waves with codec.control=mel"
            )
        self.config, width = config, config.width
        self.frames = Frames(rate=1, window=config.overlap * spec.stride, hop=spec.stride)
        self.reach = KERNEL // 2 * (config.depth + 1) + config.overlap
        self.into = nn.Conv1d(spec.control, width, KERNEL, padding=KERNEL // 2)
        self.first = nn.LayerNorm(width)
        share = 1 / max(1, config.depth)
        self.blocks = nn.Sequential(
            *(Block(width, config.expansion, share) for _ in range(config.depth))
        )
        self.last = nn.LayerNorm(width)
        self.out = nn.Linear(width, self.frames.window + 2)
        for part in self.modules():
            if isinstance(part, nn.Conv1d | nn.Linear):
                nn.init.trunc_normal_(part.weight, std=0.02)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)
        nn.init.trunc_normal_(self.into.weight, std=(KERNEL * spec.control) ** -0.5)

    def forward(self, control: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        if self.training or control.device.type != "cpu":
            return self.whole(control), {}
        # One by one: a CPU's convolutions sum in another order for another number of items.
        return torch.cat([self.whole(one[None]) for one in control]), {}

    def whole(self, control: Tensor) -> Tensor:
        return self.frames.waves(self.spectrum(control))[:, None]

    def spectrum(self, control: Tensor) -> Tensor:
        """complex [B, F, T] (Siuzdak 2023, section 3.2)."""
        h = self.into(control.to(self.into.weight.dtype))
        h = self.first(h.transpose(1, 2)).transpose(1, 2)
        h = self.last(self.blocks(h).transpose(1, 2))
        loud, turn = self.out(h).float().transpose(1, 2).chunk(2, 1)
        return torch.polar(loud.clamp(max=LOUDEST).exp(), turn)
