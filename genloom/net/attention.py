"""How positions meet: the attentions that are handed to a transformer as an argument.

The only place where positions mix, where keys and values are kept, and where a kernel is chosen.
Shape legend: B items, L positions, N all tokens of a ragged batch, H heads, G key-value heads,
E head dimension, T cached positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from genloom.net.half_attention import half_attention, pays

REACH = 16  # cached keys are looked at in runs of a multiple of this


@dataclass(frozen=True, kw_only=True)
class Sight:
    """How a layer looks. window: how many positions back, itself counted, 0 for all. cap: logits
    are bounded to +- this by a tanh, 0 for none."""

    window: int = 0
    cap: float = 0.0


EVERYWHERE = Sight()


class Attention(Protocol):
    """q [..., H, E], k and v [..., G, E] -> [..., H, E]; leading dimensions as the caller has."""

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor: ...


def attend(
    q: Tensor, k: Tensor, v: Tensor, causal: bool, mask: Tensor | None, sight: Sight = EVERYWHERE
) -> Tensor:
    """q [B, L, H, E], k and v [B, T, G, E] -> [B, L, H, E] by the library's fused kernel; with
    `causal` or a window positions of q are the last L of the T, unless the mask says more."""
    length, keys = q.shape[1], k.shape[1]
    if causal and (sight.window or sight.cap):
        causal, mask = False, _lower(length, q.device)
        if sight.window:
            mask = mask.triu(1 - sight.window)
        mask = mask[:, :keys]
    if sight.cap:
        there = torch.ones(1, 1, length, keys, dtype=torch.bool, device=q.device)
        return plain_attention(q, k, v, there if mask is None else mask, sight.cap)
    grouped = q.shape[2] != k.shape[2]
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    if v.device.type == "cpu" and v.dtype == torch.bfloat16 and torch.is_grad_enabled():
        # the CPU's backward pass in bf16 takes 5.0 ms where fp32 takes 0.8 (12 x 64, 4 heads of 32)
        with torch.autocast("cpu", enabled=False):
            q, k, v = q.float(), k.float(), v.float()
            out = F.scaled_dot_product_attention(q, k, v, mask, 0.0, causal, enable_gqa=grouped)
        return out.transpose(1, 2).bfloat16()
    out = F.scaled_dot_product_attention(q, k, v, mask, 0.0, causal, enable_gqa=grouped)
    return out.transpose(1, 2)


def plain_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, cap: float = 0.0) -> Tensor:
    """softmax(q k^T / sqrt(E)) v written out; the slow, obvious version (Vaswani 2017, eq. 1).

    mask: bool [B or 1, 1, L, T], true where q may look. cap: bound of the logits, 0 for none.
    """
    groups = q.shape[2] // k.shape[2]
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    logits = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    if cap:
        logits = cap * torch.tanh(logits / cap)
    return (logits.masked_fill(~mask, float("-inf")).softmax(-1) @ v).transpose(1, 2)


class CausalAttention:
    """Each position sees itself and what is before it, in its own row."""

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        return attend(q, k, v, causal=True, mask=None, sight=sight)


@dataclass(frozen=True)
class FullAttention:
    """Each position sees all of its row. present: bool [B, T], which keys are there, or None.
    rough: while learning in bf16 on a CPU, probabilities may be rounded to it."""

    present: Tensor | None = None
    rough: bool = False

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        mask = None if self.present is None else self.present[:, None, None, :]
        if self.rough and sight == EVERYWHERE and pays(q, k, v):
            return half_attention(q, k, v, self.present)
        return attend(q, k, v, causal=False, mask=mask, sight=sight)


class PackedAttention:
    """Causal, and only within the same document. document: long [B, L]."""

    def __init__(self, document: Tensor) -> None:
        same = document[:, None, :, None] == document[:, None, None, :]
        self.mask = same & _lower(document.shape[1], document.device)

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        mask = self.mask.triu(1 - sight.window) if sight.window else self.mask
        return attend(q, k, v, causal=False, mask=mask, sight=sight)


class RaggedAttention:
    """Causal within each of several runs laid end to end: q [N, H, E], lengths sum to N."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        runs = zip(*(x.split(self.lengths) for x in (q, k, v)), strict=True)
        made = [attend(a[None], b[None], c[None], True, None, sight)[0] for a, b, c in runs]
        return torch.cat(made)


def _lower(size: int, device: torch.device) -> Tensor:
    return torch.ones(size, size, dtype=torch.bool, device=device).tril()


class DenseCache:
    """Keys and values of B rows, each with a length of its own, in one block of memory.

    keys, values: [B, layers, G, T, E]; length: long [B], positions already there.
    """

    def __init__(self, keys: Tensor, values: Tensor, length: Tensor) -> None:
        self.keys, self.values, self.length = keys, values, length

    @classmethod
    def empty(
        cls, rows: int, layers: int, heads: int, capacity: int, size: int, like: Tensor
    ) -> DenseCache:
        shape = (rows, layers, heads, -(-capacity // REACH) * REACH, size)
        keys = torch.zeros(shape, dtype=like.dtype, device=like.device)
        length = torch.zeros(rows, dtype=torch.long, device=like.device)
        return cls(keys, torch.zeros_like(keys), length)

    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    def select(self, rows: Tensor) -> DenseCache:
        return DenseCache(self.keys[rows], self.values[rows], self.length[rows])

    def join(self, other: DenseCache) -> DenseCache:
        return DenseCache(
            torch.cat([self.keys, other.keys]),
            torch.cat([self.values, other.values]),
            torch.cat([self.length, other.length]),
        )

    def attention(self, rows: Tensor | None, count: int) -> CachedAttention:
        """For `count` further positions of these rows (None: all); then `advance` by as many."""
        return CachedAttention(self, rows, count)

    def advance(self, rows: Tensor | None, count: int) -> None:
        if rows is None:
            self.length += count
        else:
            self.length[rows] += count


class CachedAttention:
    """q [b, count, H, E]: writes k and v behind each row's own length, then looks back.

    A row looks at a run of keys whose length follows from its own alone, rounded up to REACH; rows
    of one such length go through the kernel together. So a row stays the same to the last bit
    whatever the longest row beside it, and there are few kernel calls.
    """

    def __init__(self, cache: DenseCache, rows: Tensor | None, count: int) -> None:
        self.cache, self.count = cache, count
        self.rows = torch.arange(len(cache.length), device=cache.length.device)
        self.rows = self.rows if rows is None else rows
        start = cache.length[self.rows]
        self.at = start[:, None] + torch.arange(count, device=start.device)  # [b, count]
        reach = (start + count + REACH - 1) // REACH * REACH
        self.groups = [self._group(reach, n) for n in reach.unique().tolist()]
        even = rows is None and bool((start == start[:1]).all())
        self.first = int(start[0]) if even and len(start) else -1

    def _group(self, reach: Tensor, size: int) -> tuple[int, Tensor | None, Tensor]:
        """(keys seen, which of our rows or None for all, mask [g, 1, count, keys])."""
        some = None if bool((reach == size).all()) else (reach == size).nonzero()[:, 0]
        at = self.at if some is None else self.at[some]
        mask = torch.arange(size, device=at.device) <= at[..., None]
        return size, some, mask[:, None]

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        keys, values = self.cache.keys[:, layer], self.cache.values[:, layer]  # [B, G, T, E]
        self._write(keys, k)
        self._write(values, v)
        out = torch.empty_like(q)
        for size, some, mask in self.groups:
            if sight.window:
                at = self.at if some is None else self.at[some]
                near_by = torch.arange(size, device=at.device) > at[..., None] - sight.window
                mask = mask & near_by[:, None]
            mine = q if some is None else q[some]
            rows = self.rows if some is None else self.rows[some]
            near = [
                x[:, :, :size] if self.first >= 0 else x[rows, :, :size] for x in (keys, values)
            ]
            seen = attend(
                mine, *(x.transpose(1, 2) for x in near), causal=False, mask=mask, sight=sight
            )
            if some is None:
                return seen
            out[some] = seen
        return out

    def _write(self, kept: Tensor, new: Tensor) -> None:
        if self.first >= 0:
            kept[:, :, self.first : self.first + self.count] = new.transpose(1, 2)
        else:
            kept[self.rows[:, None], :, self.at] = new


class RunningSum:
    """The cheapest mixing: each position sees the sum of v up to and with itself. [B, L, 1, E]."""

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        return v.cumsum(1)


class SumCache:
    """What `RunningSum` needs to go on: the sum so far. total: [B, E]; length: long [B]."""

    def __init__(self, total: Tensor, length: Tensor) -> None:
        self.total, self.length = total, length

    @classmethod
    def empty(cls, rows: int, size: int, like: Tensor) -> SumCache:
        total = torch.zeros(rows, size, dtype=like.dtype, device=like.device)
        return cls(total, torch.zeros(rows, dtype=torch.long, device=like.device))

    def nbytes(self) -> int:
        return self.total.nbytes

    def select(self, rows: Tensor) -> SumCache:
        return SumCache(self.total[rows], self.length[rows])

    def join(self, other: SumCache) -> SumCache:
        return SumCache(
            torch.cat([self.total, other.total]), torch.cat([self.length, other.length])
        )

    def attention(self, rows: Tensor | None, count: int) -> Attention:
        def add(layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE) -> Tensor:
            if rows is None and v.shape[1] == 1:  # the common case, without another copy
                return self.total.add_(v[:, 0, 0])[:, None, None]
            before = self.total if rows is None else self.total[rows]
            out = before[:, None, None] + v.cumsum(1)  # [b, count, 1, E]
            if rows is None:
                self.total = out[:, -1, 0]
            else:
                self.total[rows] = out[:, -1, 0]
            return out

        return add

    def advance(self, rows: Tensor | None, count: int) -> None:
        if rows is None:
            self.length += count
        else:
            self.length[rows] += count
