"""One transformer for the language model, the diffusion transformer and the prompt encoder.

Only the attention handed to `forward` mixes positions; everything else acts on the last dimension,
so the same module runs on [B, L, D] in training and on a ragged [N, D]. What others have published
is this stack under another configuration.
Shape legend: ... [B, L] or [N], D width, A axes, H heads, E head dimension.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from genloom.net.attention import EVERYWHERE, Attention, Sight
from genloom.net.experts import ExpertFeedForward, Experts
from genloom.net.layers import Activation, FeedForward, Linear, Norm, initialise, norm
from genloom.net.rotary import USUAL, Rotary, angles, frequencies, rotate

Turn = tuple[Tensor, Tensor] | None  # cosines and sines of each position
Layer = Literal["full", "window", "bare"]


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Sizes and choices of one stack.

    placing: norms before each branch, behind it, or both (Gemma 2). bias: nowhere, in layer norms,
    in queries, keys and values, or everywhere. qk_norm: "unit" without a gain, a gain for the head
    dimension ("layer": by a layer norm), or one for the whole width. pattern: what each layer is,
    in turn: "full" attention, "window" of so many positions, or "bare" of rotary positions.
    """

    width: int = 128
    depth: int = 4
    heads: int = 4
    kv_heads: int = 0  # 0: as many as heads
    head_size: int = 0  # 0: width over heads
    expansion: float = 4.0  # hidden width of the feed-forward, in widths
    activation: Activation = "relu2"
    norm: Norm = "rms"
    eps: float = 0.0  # added to variances; 0: the norm's own
    placing: Literal["before", "behind", "both"] = "before"
    qk_norm: Literal["none", "unit", "head", "layer", "whole"] = "unit"
    rotary: Rotary | None = USUAL
    pattern: tuple[Layer, ...] = ("full",)
    window: int = 0
    bias: Literal["none", "norm", "qkv", "all"] = "none"
    attention_cap: float = 0.0  # bound of attention logits; 0 is off (Gemma 2, section 2)
    attention_scale: float = 0.0  # of queries on keys; 0: one over the root of the head size
    experts: Experts | None = None
    modulated: bool = False  # adaptive norm from a vector given to forward
    dropout: float = 0.0  # of what each branch adds, while training

    @property
    def size(self) -> int:
        """Of a head."""
        return self.head_size or self.width // self.heads

    @property
    def groups(self) -> int:
        """Key-value heads."""
        return self.kv_heads or self.heads

    @property
    def hidden(self) -> int:
        """Of the feed-forward."""
        return round(self.expansion * self.width)

    def layer(self, number: int) -> Layer:
        return self.pattern[number % len(self.pattern)]

    def check(self) -> None:
        """ValueError where sizes do not fit each other, or are none that a machine could hold."""
        for name, most in (("width", 1 << 20), ("depth", 4096), ("heads", 1 << 14)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}: 1 to {most} is expected")
        if (not self.head_size and self.width % self.heads) or self.heads % self.groups:
            raise ValueError(
                f"width {self.width}, heads {self.heads}, kv_heads {self.groups}: "
                "each must divide the one before"
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout is {self.dropout}: 0 to below 1 is expected")
        if "window" in self.pattern and self.window < 1:
            raise ValueError(f"window is {self.window}: layers that see a window need 1 or more")


class Mix(nn.Module):
    """Queries, keys and values; the attention argument; the output projection."""

    def __init__(self, config: TransformerConfig, kind: Layer = "full") -> None:
        super().__init__()
        c, size = config, config.size
        self.heads, self.groups, self.size, self.kind = c.heads, c.groups, size, kind
        inner = c.bias in ("qkv", "all")
        self.qkv = Linear(c.width, (c.heads + 2 * c.groups) * size, bias=inner)
        self.out = Linear(c.heads * size, c.width, bias=c.bias == "all")
        self.unit = c.qk_norm == "unit"
        self.whole = c.qk_norm == "whole"
        self.q_norm = self.k_norm = None
        if c.qk_norm in ("head", "layer", "whole"):
            widths = (c.heads * size, c.groups * size) if self.whole else (size, size)
            sort: Norm = "layer" if c.qk_norm == "layer" else c.norm
            self.q_norm, self.k_norm = (norm(sort, n, False, c.eps) for n in widths)
        self.scale = c.attention_scale * size**0.5 if c.attention_scale else 1.0
        window = c.window if kind == "window" else 0
        plain = not window and not c.attention_cap
        self.sight = EVERYWHERE if plain else Sight(window=window, cap=c.attention_cap)

    def forward(
        self,
        h: Tensor,
        turn: Turn,
        attention: Attention,
        layer: int,
        extra: Tensor | None = None,
    ) -> Tensor:
        """extra: what is added to the values, [..., G E]."""
        qkv = self.qkv(h).unflatten(-1, (self.heads + 2 * self.groups, self.size))
        q, k, v = qkv.split((self.heads, self.groups, self.groups), -2)
        if extra is not None:
            v = v + extra.unflatten(-1, (self.groups, self.size)).to(v.dtype)
        if self.unit:  # QK-norm without gain; bounds the logits (Henry et al. 2020)
            q, k = nn.functional.rms_norm(q, (self.size,)), nn.functional.rms_norm(k, (self.size,))
            q = q * 1.2  # a little sharper than unit norm allows, as modded-nanogpt found
        elif self.q_norm is not None and self.k_norm is not None:
            q, k = self._normalised(self.q_norm, q), self._normalised(self.k_norm, k)
        if turn is not None:
            q, k = rotate(q, *turn), rotate(k, *turn)
        if self.scale != 1.0:
            q = q * self.scale
        return self.out(attention(layer, q, k, v, self.sight).flatten(-2))

    def _normalised(self, by: nn.Module, x: Tensor) -> Tensor:
        out: Tensor = by(x.flatten(-2)).unflatten(-1, x.shape[-2:]) if self.whole else by(x)
        return out


class Block(nn.Module):
    """Attention and feed-forward, each added to the stream, optionally modulated."""

    def __init__(self, config: TransformerConfig, number: int) -> None:
        super().__init__()
        c, bias = config, config.bias in ("norm", "all")
        before, behind = c.placing != "behind", c.placing != "before"

        def normed(there: bool) -> nn.Module | None:
            return norm(c.norm, c.width, bias, c.eps) if there else None

        self.mix_norm = normed(before)
        self.mix = Mix(c, c.layer(number))
        self.mix_behind = normed(behind)
        self.feed_norm = normed(before)
        self.feed: nn.Module
        if c.experts is not None and number not in c.experts.dense:
            self.feed = ExpertFeedForward(c.width, c.experts, c.activation)
        else:
            self.feed = FeedForward(c.width, c.hidden, c.activation, c.bias == "all")
        self.feed_behind = normed(behind)
        self.offset = nn.Parameter(torch.zeros(6 * c.width)) if c.modulated else None
        self.dropout = c.dropout

    def forward(
        self,
        h: Tensor,
        turn: Turn,
        attention: Attention,
        layer: int,
        modulation: Tensor | None,
        extra: Tensor | None = None,
    ) -> Tensor:
        if self.offset is None:
            mixed = self.mix(_through(self.mix_norm, h), turn, attention, layer, extra)
            h = h + self._thinned(_through(self.mix_behind, mixed))
            fed = self.feed(_through(self.feed_norm, h))
            return h + self._thinned(_through(self.feed_behind, fed))
        assert modulation is not None
        six = (modulation + self.offset.to(h.dtype)).chunk(6, -1)
        shift, scale, gate, shift2, scale2, gate2 = six
        seen = torch.addcmul(shift, _through(self.mix_norm, h), 1 + scale)
        mixed = self.mix(seen, turn, attention, layer)
        # the projections start at zero, so the block is the identity
        h = torch.addcmul(h, self._thinned(mixed), 1 + gate)
        fed = self.feed(torch.addcmul(shift2, _through(self.feed_norm, h), 1 + scale2))
        return torch.addcmul(h, self._thinned(fed), 1 + gate2)

    def _thinned(self, branch: Tensor) -> Tensor:
        """Dropout (Srivastava et al. 2014), while training."""
        if not self.dropout or not self.training:
            return branch
        return nn.functional.dropout(branch, self.dropout)


def _through(by: nn.Module | None, h: Tensor) -> Tensor:
    if by is None:
        return h
    out: Tensor = by(h)
    return out


class Transformer(nn.Module):
    """A stack of blocks with a final norm.

    Modulation follows adaLN with one shared projection and a learnt offset a block (Chen et al.
    2023, PixArt-alpha, section 2.3). length: positions of the context, which long-context rotary
    frequencies depend on.
    """

    def __init__(self, config: TransformerConfig, axes: int = 1, length: int = 0) -> None:
        super().__init__()
        config.check()
        self.config = config
        blocks = [Block(config, n) for n in range(config.depth)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = norm(config.norm, config.width, config.bias in ("norm", "all"), config.eps)
        initialise(self, zero=tuple(_last(b) for b in blocks))
        # Not a buffer: frequencies stay in fp32 whatever the weights are cast to.
        self.turns = self._frequencies(axes, length)

    def _frequencies(self, axes: int, length: int) -> dict[str, tuple[Tensor, float]]:
        rotary = self.config.rotary
        if rotary is None:
            return {}
        size = self.config.size
        every = frequencies(rotary, size, axes, length)
        if not rotary.local_base:
            return {"full": every, "window": every}
        return {"full": every, "window": frequencies(rotary.local(), size, axes, length)}

    def forward(
        self,
        h: Tensor,
        position: Tensor,
        attention: Attention,
        modulation: Tensor | None = None,
        extras: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """h [..., D], position long [..., A], modulation [..., 6 D] or None -> [..., D]. A
        modulation of 6 D a layer is one of its own for each.

        extras: layer -> what is added to its values, [..., G E].
        """
        turns, extras = self._turns(position), extras or {}
        six = [None] if modulation is None else modulation.split(6 * self.config.width, -1)
        for layer, block in enumerate(self.blocks):
            turn = turns.get(self.config.layer(layer))
            h = block(h, turn, attention, layer, six[layer % len(six)], extras.get(layer))
        return self.norm(h)

    def _turns(self, position: Tensor) -> dict[str, Turn]:
        """What each kind of layer turns its queries and keys by."""
        out: dict[str, Turn] = {}
        for kind in {*self.config.pattern} & self.turns.keys():
            frequency, gain = self.turns[kind]
            if frequency.device != position.device:
                frequency = frequency.to(position.device)
                self.turns[kind] = frequency, gain
            if kind == "window" and "full" in out and self.turns["full"][0] is frequency:
                out[kind] = out["full"]
            else:
                out[kind] = angles(position, frequency, self.config.size, gain)
        return out


def _last(block: Block) -> nn.Module:
    return nn.ModuleList(
        [block.mix.out, *([block.feed.down] if isinstance(block.feed, FeedForward) else [])]
    )
