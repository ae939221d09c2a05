"""Signals out of frames that tell of them: pulses at a pitch, noise and a free part, each shaped
in short spectra, overlapped and added.

ConvNeXt blocks (Liu et al. 2022) at the rate of the frames and an inverse Fourier transform, as in
Vocos (Siuzdak 2023); the pitch is found in the frames and its phase runs on by itself, as in
HiFTNet (Li et al. 2023), so that no net has to guess phases that agree. Knows arrays of one grid
axis; not what sounds. Shape legend: B items, K channels told, T frames, D width, S short frames a
frame, F frequencies of a short one, N = T * hop places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.excitation import noise, pulses, spread
from genloom.net.pitch_head import PitchHead
from genloom.sound.pitch import pitches, steady
from genloom.sound.spectra import Frames
from genloom.spec import ArraySpec, Spec, TokenSpec

KERNEL = 7
LOUDEST = 4.6  # logarithm of a magnitude, beyond which nothing is made
VOICED = 0.5  # of how alike two periods are, and of the chance of a voice
VALUES, LEVELS = 5, [0, 2, 4]  # of a frequency; those that are logarithms of magnitudes
QUIET = -3.0  # these, to begin with


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """expansion: of a block's middle. short: short frames a frame, a divisor of the hop; overlap:
    how many of their hops their windows are long. lowest, highest: pitches, in turns a hop."""

    width: int = 256
    depth: int = 6
    expansion: int = 3
    short: int = 4
    overlap: int = 4
    lowest: float = 0.9
    highest: float = 8.0

    def check(self, hop: int) -> None:
        """ValueError where the sizes do not fit each other or frames `hop` places apart."""
        if self.short < 1 or hop % self.short:
            raise ValueError(f"short is {self.short}: a divisor of the hop, {hop}, is expected")
        if self.overlap < 2 or min(self.width, self.expansion) < 1 or self.depth < 0:
            raise ValueError("width and expansion must be 1 or more, overlap 2, depth 0")
        if not 0.5 <= self.lowest < self.highest <= hop / 2:
            raise ValueError(
                f"lowest {self.lowest} and highest {self.highest}: pitches of 0.5 to {hop / 2:g} "
                "turns a hop are expected"
            )


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


class Trunk(nn.Module):
    """told [B, K, T] -> [B, T, D]: what so many blocks make of the frames around each."""

    def __init__(self, channels: int, width: int, depth: int, expansion: int) -> None:
        super().__init__()
        self.reach = KERNEL // 2 * (depth + 1)
        self.into = nn.Conv1d(channels, width, KERNEL, padding=KERNEL // 2)
        self.first = nn.LayerNorm(width)
        share = 1 / max(1, depth)
        self.blocks = nn.Sequential(*(Block(width, expansion, share) for _ in range(depth)))
        self.last = nn.LayerNorm(width)
        settle(self)
        nn.init.trunc_normal_(self.into.weight, std=(KERNEL * channels) ** -0.5)

    def forward(self, told: Tensor) -> Tensor:
        h = self.into(told)
        h = self.first(h.transpose(1, 2)).transpose(1, 2)
        return self.last(self.blocks(h).transpose(1, 2))


def settle(net: nn.Module) -> None:
    """Small weights to begin with, no biases."""
    for part in net.modules():
        if isinstance(part, nn.Conv1d | nn.Linear):
            nn.init.trunc_normal_(part.weight, std=0.02)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


class Vocoder(nn.Module):
    """control [B, K, T] -> (signal [B, 1, T * hop], {}), of any number of frames."""

    kind: ClassVar[str] = "vocoder"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"reconstructor"})
    hears: ClassVar[bool] = True
    strides: ClassVar[bool] = True  # what it is told may be coarser than what it makes
    needs_control: ClassVar[bool] = True
    local: ClassVar[bool] = True  # but for the phase of a voice, which runs on from the beginning
    learns_of: ClassVar[bool] = True  # in training it is shown what it is to make
    Config = VocoderConfig

    def __init__(self, config: VocoderConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        if len(spec.grid) != 1 or spec.channels != 1 or spec.stride < 2 or not spec.control:
            raise ValueError(
                "a vocoder makes signals out of frames: use codec.kind=waves with codec.control=mel"
            )
        config.check(spec.stride)
        self.config, width = config, config.width
        self.hop = spec.stride
        self.cut = Frames(rate=1, window=4 * self.hop, hop=self.hop)
        hop = self.hop // config.short
        self.frames = Frames(rate=1, window=config.overlap * hop, hop=hop)
        self.pitch = PitchHead(spec.control, config.lowest, config.highest)
        told = spec.control + 2
        self.trunk = Trunk(told, width, config.depth, config.expansion)
        self.reach = self.trunk.reach + config.overlap
        self.bins = self.frames.window // 2 + 1
        self.out = nn.Linear(width, config.short * VALUES * self.bins)
        self.straight = nn.Linear(told, self.out.out_features, bias=False)
        settle(self.out)
        nn.init.zeros_(self.straight.weight)
        with torch.no_grad():
            self.out.bias.view(config.short, VALUES, -1)[:, LEVELS] = QUIET

    def forward(
        self, control: Tensor, target: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if self.training or control.device.type != "cpu":
            return self.whole(control, target)
        # One by one: a CPU's convolutions sum in another order for another number of items.
        return torch.cat([self.whole(one[None], None)[0] for one in control]), {}

    def whole(self, control: Tensor, target: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """All items at once. With a target the pitch is the target's own, and finding it a loss."""
        control = control.to(self.out.weight.dtype)
        logits = self.pitch(control)
        parts = {}
        if target is None:
            turns, chance = self.pitch.found(logits)
            voiced = chance > VOICED
        else:
            turns, voiced = self.heard(target)
            parts = {"pitch_error": self.pitch.error(logits, turns, voiced)}
        turns = steady(turns, voiced)
        told = torch.cat((control, self.pitch.level(turns), voiced[:, None].to(control.dtype)), 1)
        return self.frames.waves(self.spectrum(told, turns / self.hop, voiced))[:, None], parts

    def heard(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """The pitch of signals [B, 1, N] in turns a hop and where there is one, [B, T] each."""
        low, high = self.config.lowest / self.hop, self.config.highest / self.hop
        turns, alike = pitches(target[:, 0].float(), self.cut, low, high)
        return turns * self.hop, alike > VOICED

    def spectrum(self, told: Tensor, turns: Tensor, voiced: Tensor) -> Tensor:
        """complex [B, F, T * S], at a pitch of so many turns a place where there is a voice, [B, T]
        each."""
        values = (self.out(self.trunk(told)) + self.straight(told.transpose(1, 2))).float()
        values = values.view(len(told), -1, VALUES, self.bins).permute(2, 0, 3, 1)
        loud, turn, louder, turned, breathy = values
        voice = self.frames.spectrum(pulses(turns, self.hop) * spread(voiced.float(), self.hop))
        breath = self.frames.spectrum(noise(turns.shape[1] * self.hop, turns, self.training))
        shaped = voice * _shaped(louder, turned) + breath * _loudness(breathy)
        return _shaped(loud, turn) + (3 / 8 * self.frames.window) ** -0.5 * shaped


def _shaped(loud: Tensor, turn: Tensor) -> Tensor:
    return torch.polar(_loudness(loud), turn)


def _loudness(loud: Tensor) -> Tensor:
    return loud.clamp(max=LOUDEST).exp()
