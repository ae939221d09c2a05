"""Residual MLPs for vectors: a denoiser, a generator and a critic for rows and points.

Know the spans of a row (so that a generator puts out probabilities where a choice is wanted), not
what the columns mean.
Shape legend: B items, C channels, Z latent width, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from genloom.net.layers import Linear, RMSNorm, initialise
from genloom.net.prompt_encoder import PromptEncoder
from genloom.net.time import TimeEmbedding
from genloom.spec import ArraySpec, Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class MLPConfig:
    width: int = 256
    depth: int = 4
    latent: int = 64
    prompt_depth: int = 1
    normalised: bool = True  # norm before each block; off for the parties of a GAN


class ResidualBlock(nn.Module):
    def __init__(self, width: int, normalised: bool) -> None:
        super().__init__()
        self.norm = RMSNorm(width) if normalised else nn.Identity()
        self.up, self.down = Linear(width, width), Linear(width, width)

    def forward(self, h: Tensor, shift: Tensor | None = None) -> Tensor:
        inner = self.up(self.norm(h) if shift is None else self.norm(h) + shift)
        return h + self.down(nn.functional.silu(inner))


class _Rows(nn.Module):
    carries: ClassVar[type] = ArraySpec
    Config = MLPConfig

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None, ins: int) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        if spec.grid:
            raise ValueError(f"a residual MLP takes plain vectors, not a grid of {spec.grid}")
        self.spec, width = spec, config.width
        self.into = Linear(ins, width)
        self.prompt = PromptEncoder(prompt, width, config.prompt_depth) if prompt else None
        self.blocks = nn.ModuleList(
            ResidualBlock(width, config.normalised) for _ in range(config.depth)
        )

    def told(self, prompt: Tensor | None) -> Tensor | None:
        return None if self.prompt is None or prompt is None else self.prompt(prompt)[2]


class RowDenoiser(_Rows):
    """x [B, C], time [B], prompt ids or None -> [B, C]."""

    kind: ClassVar[str] = "row_denoiser"
    fills: ClassVar[frozenset[str]] = frozenset({"net"})

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        assert isinstance(spec, ArraySpec)
        super().__init__(config, spec, prompt, spec.channels)
        self.time = TimeEmbedding(config.width)
        self.out = Linear(config.width, spec.channels)
        initialise(self, zero=(self.out, *(b.down for b in self.blocks)))

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        h, c = self.into(x), self.time(time)
        told = self.told(prompt)
        if told is not None:
            c = c + told
        for block in self.blocks:
            h = block(h, c)
        return self.out(h)


class RowGenerator(_Rows):
    """z [B, Z] and prompt ids or None -> [B, C]; choice spans leave as probabilities."""

    kind: ClassVar[str] = "row_generator"
    fills: ClassVar[frozenset[str]] = frozenset({"generator"})

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        assert isinstance(spec, ArraySpec)
        super().__init__(config, spec, prompt, config.latent)
        self.latent = config.latent
        self.out = Linear(config.width, spec.channels)
        initialise(self)

    def forward(self, z: Tensor, prompt: Tensor | None = None) -> Tensor:
        h, told = self.into(z), self.told(prompt)
        for block in self.blocks:
            h = block(h, told)
        return squash(self.out(h), self.spec)


class RowCritic(_Rows):
    """x [B, C] and prompt ids or None -> how real, float [B]."""

    kind: ClassVar[str] = "row_critic"
    fills: ClassVar[frozenset[str]] = frozenset({"critic"})

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        assert isinstance(spec, ArraySpec)
        super().__init__(config, spec, prompt, spec.channels)
        self.out = Linear(config.width, 1)
        initialise(self)

    def forward(self, x: Tensor, prompt: Tensor | None = None) -> Tensor:
        h, told = self.into(x), self.told(prompt)
        for block in self.blocks:
            h = block(h, told)
        return self.out(h).squeeze(-1)


def squash(x: Tensor, spec: ArraySpec) -> Tensor:
    """Choice spans through a softmax mapped to [-1, 1]; numbers as they are."""
    if not any(span.kind == "choice" for span in spec.spans):
        return x
    pieces = []
    for span in spec.spans:
        part = x[:, span.start : span.stop]
        pieces.append(2 * part.softmax(-1) - 1 if span.kind == "choice" else part)
    return torch.cat(pieces, -1)
