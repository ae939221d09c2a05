"""Columns in any order, cheaply: the columns known so far are summed, then a residual MLP predicts.

An order-agnostic neural autoregressive estimator (Uria, Murray & Larochelle 2014; deep version
2016, section 4), with the sum as its "attention". Same call as the language model, at a fraction
of the cost for short items; no use for streams. Ids of numbers share what neighbours have alike,
places of a text what their pieces have; the next piece of a text is told the last two, too.
Shape legend: ... [B, L], S summed width, D width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.attention import Attention, RunningSum, SumCache
from genloom.net.layers import FeedForward, LayerNorm, Linear, initialise, project
from genloom.net.recent import Recent, text_ranges
from genloom.net.shared_rows import SharedRows, waves
from genloom.spec import Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class RowModelConfig:
    """Sizes. `summed` is wide because looking up is cheap; `width` sets the cost. knots: hats over
    the order of a number that its ids share; 0: each id is learnt on its own."""

    summed: int = 256
    width: int = 128
    depth: int = 2
    expansion: float = 2.0
    knots: int = 0


class RowBlock(nn.Module):
    """Layer norm: on a CPU its one kernel takes a third of the time of RMSNorm's six."""

    def __init__(self, config: RowModelConfig) -> None:
        super().__init__()
        self.norm = LayerNorm(config.width, bias=False)
        self.feed = FeedForward(config.width, round(config.expansion * config.width), "relu2")

    def forward(self, h: Tensor) -> Tensor:
        return _plus(self.feed(self.norm(h)), h)


class RowModel(nn.Module):
    """Sum of embeddings of what is known, plus what is asked for, through residual blocks."""

    kind: ClassVar[str] = "row"
    carries: ClassVar[type] = TokenSpec
    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    countable: ClassVar[dict[str, int]] = {"knots": 0}  # shared rows hide whose gradient is whose
    Config = RowModelConfig

    def __init__(self, config: RowModelConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, TokenSpec)
        if not spec.spans:
            raise ValueError("a row model predicts named fields, not streams: use net transformer")
        slots = spec.length + 1
        self.config = config
        self.embed = nn.Embedding(spec.vocab, config.summed)
        self.into = Linear(config.summed, config.width, bias=False)
        self.slot_to = nn.Embedding(slots, config.width)
        blocks = [RowBlock(config) for _ in range(config.depth)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = LayerNorm(config.width, bias=False)
        self.head = nn.Parameter(torch.zeros(spec.vocab, config.width))
        self.offset = nn.Parameter(torch.zeros(spec.vocab))
        initialise(self, zero=tuple(b.feed.down for b in blocks))
        nn.init.normal_(self.embed.weight, std=1.0 / slots**0.5)
        self.embed_shared: SharedRows | None = None
        self.head_shared: SharedRows | None = None
        texts = bool(text_ranges(spec))
        self.embed_recent = Recent(spec, config.width) if texts else None
        if config.knots and (any(spec.levels) or texts):
            self.embed_shared = SharedRows(spec, config.summed, config.knots)
            self.embed_shared.begin(self.embed.weight, config.knots)
            self.head_shared = SharedRows(spec, config.width, config.knots)
        else:
            _smooth(self.embed.weight, spec)

    def forward(
        self,
        ids: Tensor,
        position: Tensor,
        attention: Attention,
        before: Tensor | None = None,
        slots: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """As LanguageModel.forward; ids [B, L] -> hidden [B, L, D]."""
        assert slots is not None, "a row model predicts named positions"
        value = self._values(ids)
        known = attention(0, value, value, value).squeeze(-2)
        return self._states(known, slots[1], self._lately(ids, before, slots[1]))

    def last(
        self,
        ids: Tensor,
        position: Tensor,
        attention: Attention,
        before: Tensor | None = None,
        slots: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """As `forward`, the last position alone, float [B, 1, D]: what comes before it is summed,
        and costs no block."""
        assert slots is not None, "a row model predicts named positions"
        value = self._values(ids)
        known = attention(0, value, value, value)[:, -1:].squeeze(-2)
        asked = slots[1][:, -1:]
        last = None if before is None else before[:, -1:]
        return self._states(known, asked, self._lately(ids[:, -1:], last, asked))

    def _values(self, ids: Tensor) -> Tensor:
        """What is summed, [B, L, 1, S]."""
        if self.embed_shared is None:
            return self.embed(ids).unsqueeze(-2)
        return F.embedding(ids, self.embed_shared.whole(self.embed.weight)).unsqueeze(-2)

    def _lately(self, ids: Tensor, before: Tensor | None, asked: Tensor) -> Tensor | None:
        if self.embed_recent is None:
            return None
        return self.embed_recent(ids, ids if before is None else before, asked)

    def _states(self, known: Tensor, asked: Tensor, lately: Tensor | None = None) -> Tensor:
        h = _plus(self.into(torch.relu(known)), self.slot_to(asked))
        h = h if lately is None else _plus(h, lately)
        for block in self.blocks:
            h = block(h)
        return self.norm(h)

    def logits(self, hidden: Tensor, low: int = 0, high: int | None = None) -> Tensor:
        head, offset = self.head[low:high], self.offset[low:high]
        if self.head_shared is not None:
            head = self.head_shared.part(self.head, low, high)
        return project(hidden, head.to(hidden.dtype), offset.to(hidden.dtype)).float()

    def attention(self, document: Tensor | None) -> Attention:
        return RunningSum()

    def cache(self, rows: int, capacity: int) -> SumCache:
        return SumCache.empty(rows, self.config.summed, like=self.embed.weight)


def _smooth(weight: Tensor, spec: TokenSpec) -> None:
    """Ids of numbers begin as waves of their rank: neighbours are alike before either is learnt."""
    if weight.is_meta:  # weights are put in later
        return
    std = weight.std()
    for span in spec.spans:
        if span.kind != "number":
            continue
        for place in range(span.start, span.stop):
            low, high = spec.ranges[place]
            rank = torch.arange(high - low, device=weight.device)[:, None] / max(1, high - low - 1)
            with torch.no_grad():
                weight[low:high] = std * waves(rank, weight.shape[1])


def _plus(new: Tensor, other: Tensor) -> Tensor:
    """Their sum; without gradients in the memory of `new`, which nobody else holds."""
    return new + other if torch.is_grad_enabled() else new.add_(other)
