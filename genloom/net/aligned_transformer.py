"""Frames out of symbols: an encoder of the symbols that says what to expect of each and for how
long, and a diffusion transformer over the frames that is told so.

The voice is one vector, added to every symbol: a row of a table for those that were learnt, or what
a small encoder hears in frames that are given. Knows arrays of one axis and ids.
Shape legend: B items, C channels, T frames, P symbols, D width, K told channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.errors import RequestError
from genloom.net.attention import FullAttention
from genloom.net.diffusion_transformer import DiffusionTransformer, DiffusionTransformerConfig
from genloom.net.layers import Linear, initialise
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import ArraySpec, PromptSpec, Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class AlignedTransformerConfig:
    """width, depth, heads and patch of the denoiser; symbol_width, symbol_depth of the encoder;
    told: channels that a symbol tells besides what it lets expect."""

    width: int = 192
    depth: int = 4
    heads: int = 6
    patch: int = 2
    symbol_width: int = 128
    symbol_depth: int = 3
    told: int = 64
    dropout: float = 0.0


class AlignedTransformer(nn.Module):
    """x [B, C, T], time [B], prompt (not read), control [B, C + K, T] -> [B, C, T]."""

    kind: ClassVar[str] = "aligned_transformer"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"aligned"})
    hears: ClassVar[bool] = True
    Config = AlignedTransformerConfig

    def __init__(
        self, config: AlignedTransformerConfig, spec: Spec, prompt: PromptSpec | None
    ) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        if len(spec.grid) != 1 or not isinstance(prompt, TokenSpec):
            raise ValueError("frames of one axis and a prompt of symbols are expected")
        c, width = config, config.symbol_width
        self.patch, self.channels = c.patch, spec.channels
        self.pad = prompt.pad
        self.voiced = any(span.start == 0 and span.kind == "choice" for span in prompt.spans)
        self.symbols = nn.Embedding(prompt.vocab, width)
        self.near = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        heads = max(1, width // 32)
        stack = TransformerConfig(
            width=width, depth=c.symbol_depth, heads=heads, expansion=3.0, dropout=c.dropout
        )
        self.encoder = Transformer(stack)
        self.means = Linear(width, spec.channels)
        self.tells = Linear(width, c.told)
        self.listener = _Listener(spec.channels, width) if self.voiced else None
        self.pace = _Pace(width)
        options = DiffusionTransformerConfig(
            width=c.width,
            depth=c.depth,
            heads=c.heads,
            patch=c.patch,
            norm="layer",
            qk_norm="layer",
            dropout=c.dropout,
        )
        self.controls = spec.channels + c.told
        inner = replace(spec, control=self.controls)
        self.denoiser = DiffusionTransformer(options, inner, None)
        for part in (self.means, self.tells):
            initialise(part)
        nn.init.normal_(self.symbols.weight, std=1.0)
        assert self.denoiser.control is not None
        initialise(self.denoiser.control)

    def hear(self, item: Tensor) -> Tensor:
        """float [B, D]: the voice that is heard in frames [B, C, T]. RequestError where the net has
        one voice alone."""
        if self.listener is None:
            raise RequestError("this model has one voice alone: it hears no others", param="item")
        return self.listener(item)

    def expected(
        self,
        prompt: Tensor,
        item: Tensor | None = None,
        share: Tensor | None = None,
        voice: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of each symbol: the frame to expect [B, P, C], what it tells besides [B, P, K], the
        logarithm of its frames [B, P], and whether it is there, bool [B, P].

        item: float [B, C, T], frames that a voice is heard in instead of the one that the prompt
        names; share: bool [B], in which items so; voice: float [B, D], as `hear` tells it, instead
        of both.
        """
        first = 1 if self.voiced else 0
        present = prompt[:, first:] != self.pad
        h = self.symbols(prompt[:, first:])
        if self.voiced:
            own = self._voice(prompt[:, 0], item, share) if voice is None else voice
            h = h + own[:, None]
        for layer in self.near:
            h = h + F.silu(layer((h * present[..., None]).transpose(1, 2)).transpose(1, 2))
        position = torch.arange(h.shape[1], device=h.device)[None, :, None]
        h = self.encoder(h, position, FullAttention(present))
        return self.means(h), self.tells(h), self.pace(h.detach(), present), present

    def _voice(self, voice: Tensor, item: Tensor | None, share: Tensor | None) -> Tensor:
        """float [B, D]."""
        known: Tensor = self.symbols(voice)
        if item is None or self.listener is None:
            return known
        heard = self.listener(item)
        return heard if share is None else torch.where(share[:, None], heard, known)

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        prompt: Tensor | None = None,
        control: Tensor | None = None,
    ) -> Tensor:
        return self.denoiser(x, time, None, control)


class _Listener(nn.Module):
    """float [B, D]: a voice, from frames [B, C, T]."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            (nn.Conv1d(channels, width, 5, 2, 2), nn.Conv1d(width, width, 5, 2, 2))
        )
        self.out = Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for layer in self.layers:
            h = F.silu(layer(h))
        return self.out(torch.cat((h.mean(2), h.std(2, correction=0)), 1))


class _Pace(nn.Module):
    """float [B, P]: logarithms of frames, from symbols [B, P, D]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(2))
        self.out = Linear(width, 1)

    def forward(self, h: Tensor, present: Tensor) -> Tensor:
        mask = present[:, None].to(h.dtype)
        h = h.transpose(1, 2)
        for layer in self.layers:
            h = F.silu(layer(h * mask))
        return self.out(h.transpose(1, 2))[..., 0] + 1.0
