"""Signals through codes: the frames that tell of them, coarser and as sums of learnt entries, made
into frames again, and a vocoder that hears these.

Encoder and decoder of the vocoder's own blocks about a residual vector quantiser (net/residual_
codes.py), then the vocoder (net/vocoder.py). Looks no further than `reach` frames. Knows arrays of
one grid axis. Shape legend: B items, K channels told, T frames, P = T / every places, Q levels, Z
latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.residual_codes import ResidualCodes
from genloom.net.vocoder import Trunk, Vocoder, VocoderConfig
from genloom.spec import ArraySpec, Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class SoundTokenizerConfig:
    """every: frames a place. levels of codes, each one of `codes`, looked up in so many
    `dimensions` of the `latent` channels. width, depth, expansion and pitches: of the encoder and
    of the vocoder alike."""

    width: int = 256
    depth: int = 4
    expansion: int = 3
    every: int = 2
    latent: int = 64
    levels: int = 8
    codes: int = 256
    dimensions: int = 8
    lowest: float = 0.9
    highest: float = 8.0

    def check(self) -> None:
        """ValueError where the sizes make no codes."""
        for name, low, high in (("every", 1, 16), ("levels", 1, 32), ("codes", 2, 1 << 14)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}: {low} to {high} is expected")
        if min(self.latent, self.dimensions) < 1:
            raise ValueError("latent and dimensions must be 1 or more")


class SoundTokenizer(nn.Module):
    """control [B, K, T] -> (signal [B, 1, T * hop], {"code_error": float [B], "frame_error": the
    mean gap of the frames that were made again, ...})."""

    kind: ClassVar[str] = "sound_tokenizer"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"reconstructor"})
    hears: ClassVar[bool] = True
    strides: ClassVar[bool] = True
    needs_control: ClassVar[bool] = True
    local: ClassVar[bool] = True
    learns_of: ClassVar[bool] = True
    Config = SoundTokenizerConfig

    def __init__(self, config: SoundTokenizerConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        config.check()
        if len(spec.grid) != 1 or spec.channels != 1 or spec.stride < 2 or not spec.control:
            raise ValueError(
                "codes of signals are learnt of frames: use codec.kind=waves with codec.control=mel"
            )
        self.config, self.hop = config, spec.stride
        c = config
        self.encoder = Trunk(spec.control, c.width, c.depth, c.expansion)
        self.narrow = nn.Conv1d(c.width, c.latent, c.every, stride=c.every)
        self.codes = ResidualCodes(c.latent, c.levels, c.codes, c.dimensions)
        self.widen = nn.ConvTranspose1d(c.latent, c.latent, c.every, stride=c.every)
        self.decoder = Trunk(c.latent, c.width, c.depth, c.expansion)
        self.again = nn.Linear(c.width, spec.control)
        shared = {"width": c.width, "depth": c.depth, "expansion": c.expansion}
        pitched = {"lowest": c.lowest, "highest": c.highest}
        self.vocoder = Vocoder(VocoderConfig(**shared, **pitched), spec, None)
        self.reach = 2 * self.encoder.reach + 2 * c.every + self.vocoder.reach

    def forward(
        self, control: Tensor, target: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if self.training or control.device.type != "cpu":
            codes, error = self.codes(self._latents(control))
            told = self._frames(codes)[..., : control.shape[-1]]
            made, parts = self.vocoder.whole(told, target)
            far = (told.float() - control.float()).abs().flatten(1).mean(1)
            return made, {**parts, "code_error": error, "frame_error": far}
        told = [self.frames(self.ids(one[None]), one.shape[-1]) for one in control]
        return torch.cat([self.vocoder(one)[0] for one in told]), {}

    def ids(self, control: Tensor) -> Tensor:
        """long [B, Q, P] of frames [B, K, T]; what lacks of the last place is the last frame."""
        return torch.cat([self.codes.ids(self._latents(one[None])) for one in control])

    def frames(self, ids: Tensor, count: int = 0) -> Tensor:
        """float [B, K, count], or of whole places, of the first levels' codes [B, Q, P]."""
        count = count or ids.shape[-1] * self.config.every
        made = [self._frames(self.codes.values(one[None])) for one in ids]
        return torch.cat(made)[..., :count]

    def _latents(self, control: Tensor) -> Tensor:
        """float [B, Z, P]."""
        control = control.to(self.narrow.weight.dtype)
        lacks = -control.shape[-1] % self.config.every
        if lacks:
            control = F.pad(control, (0, lacks), mode="replicate")
        return self.narrow(self.encoder(control).transpose(1, 2)).float()

    def _frames(self, latents: Tensor) -> Tensor:
        """float [B, K, P * every]."""
        return self.again(self.decoder(self.widen(latents))).transpose(1, 2)
