"""One transformer for the language model, the diffusion transformer and the prompt encoder.

Only the attention handed to `forward` mixes positions; everything else acts on the last dimension,
so the same module runs on [B, L, D] in training and on a ragged [N, D].
Shape legend: ... [B, L] or [N], D width, A axes, H heads, E head dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from genloom.net.attention import Attention
from genloom.net.layers import FeedForward, Linear, initialise, norm
from genloom.net.rotary import angles, rotate


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Sizes and choices of one stack."""

    width: int = 128
    depth: int = 4
    heads: int = 4
    kv_heads: int = 0  # 0: as many as heads
    expansion: float = 4.0  # hidden width of the feed-forward, in widths
    activation: Literal["relu2", "gelu", "swiglu"] = "relu2"
    norm: Literal["rms", "layer"] = "rms"
    qk_norm: bool = True
    rotary: bool = True
    rotary_base: float = 10000.0
    bias: bool = False
    modulated: bool = False  # adaptive norm from a vector given to forward

    @property
    def head_size(self) -> int:
        return self.width // self.heads

    @property
    def groups(self) -> int:
        return self.kv_heads or self.heads


class Mix(nn.Module):
    """Queries, keys and values; the attention argument; the output projection."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        size, self.heads, self.groups = config.head_size, config.heads, config.groups
        self.qkv = Linear(config.width, (self.heads + 2 * self.groups) * size, bias=config.bias)
        self.out = Linear(self.heads * size, config.width, bias=config.bias)
        self.normalise = config.qk_norm
        self.size = size

    def forward(
        self, h: Tensor, turn: tuple[Tensor, Tensor] | None, attention: Attention, layer: int
    ) -> Tensor:
        qkv = self.qkv(h).unflatten(-1, (self.heads + 2 * self.groups, self.size))
        q, k, v = qkv.split((self.heads, self.groups, self.groups), -2)
        if self.normalise:  # QK-norm without gain; bounds the logits (Henry et al. 2020)
            q, k = nn.functional.rms_norm(q, (self.size,)), nn.functional.rms_norm(k, (self.size,))
            q = q * 1.2  # a little sharper than unit norm allows, as modded-nanogpt found
        if turn is not None:
            q, k = rotate(q, *turn), rotate(k, *turn)
        return self.out(attention(layer, q, k, v).flatten(-2))


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each added to the stream, optionally modulated."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width = config.width
        self.mix_norm = norm(config.norm, width, config.bias)
        self.mix = Mix(config)
        self.feed_norm = norm(config.norm, width, config.bias)
        self.feed = FeedForward(
            width, round(config.expansion * width), config.activation, config.bias
        )
        self.offset = nn.Parameter(torch.zeros(6 * width)) if config.modulated else None

    def forward(
        self,
        h: Tensor,
        turn: tuple[Tensor, Tensor] | None,
        attention: Attention,
        layer: int,
        modulation: Tensor | None,
    ) -> Tensor:
        if self.offset is None:
            h = h + self.mix(self.mix_norm(h), turn, attention, layer)
            return h + self.feed(self.feed_norm(h))
        assert modulation is not None
        six = (modulation + self.offset.to(h.dtype)).chunk(6, -1)
        shift, scale, gate, shift2, scale2, gate2 = six
        mixed = self.mix(self.mix_norm(h) * (1 + scale) + shift, turn, attention, layer)
        h = h + (1 + gate) * mixed  # the projections start at zero, so the block is the identity
        return h + (1 + gate2) * self.feed(self.feed_norm(h) * (1 + scale2) + shift2)


class Transformer(nn.Module):
    """A stack of blocks with a final norm.

    Modulation follows adaLN with one shared projection and a learnt offset a block (Chen et al.
    2023, PixArt-alpha, section 2.3).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        if config.width % config.heads or config.heads % config.groups:
            raise ValueError(
                f"width {config.width}, heads {config.heads}, kv_heads {config.groups}: "
                "each must divide the one before"
            )
        self.config = config
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = norm(config.norm, config.width, config.bias)
        initialise(self, zero=tuple(p for b in self.blocks for p in (b.mix.out, b.feed.down)))

    def forward(
        self,
        h: Tensor,
        position: Tensor,
        attention: Attention,
        modulation: Tensor | None = None,
    ) -> Tensor:
        """h [..., D], position long [..., A], modulation [..., 6 D] or None -> [..., D]."""
        turn = None
        if self.config.rotary:
            turn = angles(position, self.config.head_size, self.config.rotary_base)
        for layer, block in enumerate(self.blocks):
            h = block(h, turn, attention, layer, modulation)
        return self.norm(h)
