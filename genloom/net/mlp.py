"""Residual MLPs for whole items at once: a denoiser, a generator and a critic for rows, points and
small pictures, which they see as one vector.

Know the spans of a row (so that a generator puts out probabilities where a choice is wanted), not
what the columns mean.
Shape legend: B items, C channels, E elements of an item, Z latent width, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genloom.net.layers import Linear, RMSNorm, initialise
from genloom.net.prompt_encoder import PromptEncoder
from genloom.net.time import TimeEmbedding
from genloom.spec import ArraySpec, Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """normalised: a norm before each block, off for the parties of a GAN. bounded: what is
    generated goes through tanh, for items in [-1, 1] that lie on the bounds, such as pixels."""

    width: int = 256
    depth: int = 4
    latent: int = 64
    prompt_depth: int = 1
    normalised: bool = True
    bounded: bool = False


class ResidualBlock(nn.Module):
    def __init__(self, width: int, normalised: bool) -> None:
        super().__init__()
        self.norm = RMSNorm(width) if normalised else nn.Identity()
        self.up, self.down = Linear(width, width), Linear(width, width)

    def forward(self, h: Tensor, shift: Tensor | None = None) -> Tensor:
        inner = self.up(self.norm(h) if shift is None else self.norm(h) + shift)
        return h + self.down(nn.functional.silu(inner))


class _Whole(nn.Module):
    carries: ClassVar[type] = ArraySpec
    Config = MLPConfig

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None, ins: int) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        self.spec, width = spec, config.width
        self.into = Linear(ins, width)
        self.prompt = PromptEncoder(prompt, width, config.prompt_depth) if prompt else None
        self.blocks = nn.ModuleList(
            ResidualBlock(width, config.normalised) for _ in range(config.depth)
        )

    def told(self, prompt: Tensor | None) -> Tensor | None:
        return None if self.prompt is None or prompt is None else self.prompt(prompt)[2]


class MLPDenoiser(_Whole):
    """x [B, C, *grid], time [B], prompt ids or None -> [B, C, *grid]."""

    kind: ClassVar[str] = "mlp_denoiser"
    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    adapts: ClassVar[tuple[str, ...]] = ("into", "up", "down", "out")

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        assert isinstance(spec, ArraySpec)
        super().__init__(config, spec, prompt, prod(spec.shape))
        self.time = TimeEmbedding(config.width)
        self.out = Linear(config.width, prod(spec.shape))
        blocks: Any = self.blocks
        initialise(self, zero=(self.out, *(b.down for b in blocks)))

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        h, c = self.into(x.flatten(1)), self.time(time)
        told = self.told(prompt)
        if told is not None:
            c = c + told
        for block in self.blocks:
            h = block(h, c)
        return self.out(h).unflatten(1, self.spec.shape)


class MLPGenerator(_Whole):
    """z [B, Z] and prompt ids or None -> [B, C, *grid]; choice spans leave as probabilities."""

    kind: ClassVar[str] = "mlp_generator"
    fills: ClassVar[frozenset[str]] = frozenset({"generator"})

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        assert isinstance(spec, ArraySpec)
        super().__init__(config, spec, prompt, config.latent)
        self.latent, self.bounded = config.latent, config.bounded
        self.out = Linear(config.width, prod(spec.shape))
        _begin(self)

    def forward(self, z: Tensor, prompt: Tensor | None = None) -> Tensor:
        h, told = self.into(z), self.told(prompt)
        for block in self.blocks:
            h = block(h, told)
        made = squash(self.out(h), self.spec).unflatten(1, self.spec.shape)
        return made.tanh() if self.bounded else made

    def entrances(self) -> Tensor:
        """float [D, Z]: every row that a latent is multiplied with."""
        return self.into.weight


class MLPCritic(_Whole):
    """x [B, C, *grid] and prompt ids or None -> how real, float [B].

    The prompt enters by projection (Miyato & Koyama 2018, eq. 4).
    """

    kind: ClassVar[str] = "mlp_critic"
    fills: ClassVar[frozenset[str]] = frozenset({"critic"})

    def __init__(self, config: MLPConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        assert isinstance(spec, ArraySpec)
        super().__init__(config, spec, prompt, prod(spec.shape))
        self.out = Linear(config.width, 1)
        _begin(self)

    def forward(self, x: Tensor, prompt: Tensor | None = None) -> Tensor:
        h, told = self.seen(x)[-1], self.told(prompt)
        real = self.out(h).squeeze(-1)
        return real if told is None else real + (h * told).sum(-1) * told.shape[-1] ** -0.5

    def seen(self, x: Tensor) -> list[Tensor]:
        """float [B, D] each: what it sees of items after every block."""
        out = [self.into(x.flatten(1))]
        for block in self.blocks:
            out.append(block(out[-1]))
        return out


def _begin(net: _Whole) -> None:
    """Blocks of a GAN's parties begin near the identity, so that depth does not add up."""
    initialise(net)
    blocks: Any = net.blocks
    for block in blocks:
        nn.init.normal_(block.down.weight, std=0.1 * block.down.in_features**-0.5)


def squash(x: Tensor, spec: ArraySpec) -> Tensor:
    """Choice spans through a softmax mapped to [-1, 1]; numbers as they are."""
    if not any(span.kind == "choice" for span in spec.spans):
        return x
    pieces = []
    for span in spec.spans:
        part = x[:, span.start : span.stop]
        pieces.append(2 * part.softmax(-1) - 1 if span.kind == "choice" else part)
    return torch.cat(pieces, -1)
