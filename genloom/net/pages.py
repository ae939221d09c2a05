"""Keys and values in pages that sequences share, and the attention that reads them.

A sequence owns a row of a table; the table names pages. Who gets which page is not known here (see
engine/paged.py); neither is what the ids mean. This is the slow, obvious version in torch, for any
device; `net/quantize.py` runs the same layout through native kernels.
Shape legend: S sequences, N all new tokens laid end to end, P pages, H heads, G key-value heads,
E head dimension, L new tokens of one sequence, R rows that share keys (heads of a group x L).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genloom.net.attention import EVERYWHERE, Sight
from genloom.net.layers import is_steady

PAGE = 32  # positions a page: one tile of the matrix units, and the grain of prefix reuse
BLOCK = 4 * PAGE  # keys looked at together: few enough that sums over them have one order
LEAST = -80.0  # of exponents: e to it is the smallest share that could still be told
STEADY_TOKENS = 16  # of a sequence that look together within layers.steady
FEWEST_ROWS = 16  # as in net/layers.py: with fewer the matrix library takes other kernels


@dataclass
class Pages:
    """The memory. keys [layers, P, G, PAGE, E]; values [layers, P, G, E, PAGE], turned, so that
    both lie as the matrix units read them."""

    keys: Tensor
    values: Tensor

    @classmethod
    def empty(cls, layout: Layout, pages: int) -> Pages:
        shape = (layout.layers, pages, layout.heads)
        keys = _zeros(layout, (*shape, PAGE, layout.size))
        return cls(keys, _zeros(layout, (*shape, layout.size, PAGE)))

    def copy(self, source: int, target: int) -> None:
        """One page's content to another, all layers."""
        self.keys[:, target] = self.keys[:, source]
        self.values[:, target] = self.values[:, source]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a net keeps of each position: keys and values of `heads` heads in each of its layers."""

    layers: int
    heads: int
    size: int
    dtype: torch.dtype
    device: torch.device

    @property
    def page_bytes(self) -> int:
        """Of one page, keys and values of all layers."""
        return 2 * self.layers * self.heads * PAGE * self.size * self.dtype.itemsize


def _zeros(layout: Layout, shape: tuple[int, ...]) -> Tensor:
    """On the CPU, memory that the system hands out when it is first written to."""
    if layout.device.type != "cpu":
        return torch.zeros(shape, dtype=layout.dtype, device=layout.device)
    size = math.prod(shape) * layout.dtype.itemsize
    return torch.from_numpy(np.zeros(size, np.uint8)).view(layout.dtype).view(shape)


class PagedAttention:
    """q [N, H, E], k and v [N, G, E] -> [N, H, E]: causal within each of S sequences.

    table   int32 [S, most]: the pages of each sequence in the order of its positions
    start   int32 [S]: positions of each that are already in its pages
    count   int32 [S]: new tokens of each, laid end to end; their sum is N
    New keys and values are written behind what is there, then each token looks back at all of its
    own sequence (or the window's part). A token's result depends neither on the other sequences nor
    on how its own was cut into calls. Host tensors: they say where, not what.
    """

    def __init__(self, pages: Pages, table: Tensor, start: Tensor, count: Tensor) -> None:
        self.pages, self.table, self.start, self.count = pages, table, start, count
        self._places: tuple[Tensor, Tensor] | None = None
        self._looks: list[_Look] | None = None

    def positions(self) -> Tensor:
        """long [N, 1]: of each new token within its sequence."""
        count = self.count.long()
        first = count.cumsum(0) - count
        shift = (self.start.long() - first).repeat_interleave(count)
        return (torch.arange(len(shift)) + shift)[:, None].to(self.pages.keys.device)

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        keys, values = self.pages.keys[layer], self.pages.values[layer]
        page, place = self._where()
        keys[page, :, place] = k.to(keys.dtype)
        values[page, :, :, place] = v.to(values.dtype)
        out = torch.empty_like(q)
        for look in self._grouped():
            out[look.rows] = look.attend(q[look.rows], keys, values, sight)
        return out

    def _where(self) -> tuple[Tensor, Tensor]:
        """long [N] each: page and place within it of every new token."""
        if self._places is None:
            position = self.positions()[:, 0].cpu()
            row = torch.arange(len(self.count)).repeat_interleave(self.count)
            page = self.table[row, position // PAGE].long()
            device = self.pages.keys.device
            self._places = page.to(device), (position % PAGE).to(device)
        return self._places

    def _grouped(self) -> list[_Look]:
        """Sequences with equally many new tokens look together."""
        if self._looks is None and is_steady():
            self._looks = self._one_by_one()
        if self._looks is None:
            first = (self.count.cumsum(0) - self.count).long()
            self._looks = []
            for count in filter(None, self.count.unique().tolist()):
                some = (self.count == count).nonzero()[:, 0]
                rows = first[some][:, None] + torch.arange(count)
                start = self.start[some].long()
                most = -(-(int(start.max()) + count) // PAGE)
                table = self.table[some, :most].long().clamp(min=0)
                self._looks.append(_Look(rows, table, start, self.pages.keys.device))
        return self._looks

    def _one_by_one(self) -> list[_Look]:
        """Each sequence alone, in pieces of few tokens: every product has one shape."""
        looks, first = [], 0
        for row, (start, count) in enumerate(
            zip(self.start.tolist(), self.count.tolist(), strict=True)
        ):
            for begin in range(0, count, STEADY_TOKENS):
                size = min(STEADY_TOKENS, count - begin)
                rows = torch.arange(first + begin, first + begin + size)[None]
                most = -(-(start + begin + size) // PAGE)
                table = self.table[row : row + 1, :most].long()
                at = torch.tensor([start + begin])
                looks.append(_Look(rows, table, at, self.pages.keys.device, STEADY_TOKENS))
            first += count
        return looks


class _Look:
    """Some sequences with L new tokens each. rows: long [S, L], where these lie; table: long
    [S, most]; start: long [S]."""

    def __init__(
        self, rows: Tensor, table: Tensor, start: Tensor, device: torch.device, least: int = 0
    ) -> None:
        """least: tokens as which these are to count, in the shapes of products."""
        self.least = least
        self.rows, self.table = rows.to(device), table.to(device)
        self.at = (start[:, None] + torch.arange(rows.shape[1])).to(device)  # [S, L]

    def attend(self, q: Tensor, keys: Tensor, values: Tensor, sight: Sight) -> Tensor:
        """q [S, L, H, E] -> the same. Softmax block by block in the order of the keys, so that
        further keys that are out of sight change nothing (Milakov & Gimelshein 2018)."""
        count, length, heads, size = q.shape
        groups = keys.shape[1]
        share = heads // groups
        rows = q.view(count, length, groups, share, size).permute(0, 2, 1, 3, 4)
        rows = rows.reshape(count, groups, length * share, size) * size**-0.5
        real = length * share  # rows that count; some kernels want more
        spare = (0, 0, 0, max(0, max(FEWEST_ROWS, self.least * share) - real))
        at = self.at.repeat_interleave(share, 1)
        best = rows.new_full((*rows.shape[:3], 1), -1e30, dtype=torch.float32)
        mass, total = torch.zeros_like(best), torch.zeros_like(rows, dtype=torch.float32)
        rows = torch.nn.functional.pad(rows, spare)  # [S, G, R, E]
        for first in range(0, self.table.shape[1], BLOCK // PAGE):
            near = self.table[:, first : first + BLOCK // PAGE]
            k = keys[near].transpose(1, 2).flatten(2, 3)  # [S, G, keys, E]
            v = values[near].permute(0, 2, 1, 4, 3).flatten(2, 3)
            k, v = _whole(k.to(rows.dtype)), _whole(v.to(rows.dtype))
            logits = (rows @ k.transpose(-1, -2))[:, :, :real].float()
            if sight.cap:
                logits = sight.cap * torch.tanh(logits / sight.cap)
            seen = first * PAGE + torch.arange(BLOCK, device=at.device)
            hidden = seen > at[..., None]
            if sight.window:
                hidden |= seen <= at[..., None] - sight.window
            logits = logits.masked_fill(hidden[:, None], float("-inf"))
            top = torch.maximum(best, logits.amax(-1, keepdim=True))
            # exp of what is tiny or -inf takes ten times as long as of other numbers
            weight = torch.exp((logits - top).clamp_(min=LEAST)).masked_fill_(hidden[:, None], 0.0)
            fade = torch.exp((best - top).clamp_(min=LEAST))
            mass = mass * fade + weight.sum(-1, keepdim=True)
            added = torch.nn.functional.pad(weight.to(v.dtype), spare) @ v
            total = total * fade + added[:, :, :real].float()
            best = top
        out = (total / mass).to(q.dtype)
        out = out.view(count, groups, length, share, size).permute(0, 2, 1, 3, 4)
        return out.reshape(count, length, heads, size)


def _whole(x: Tensor) -> Tensor:
    """A last block is filled up: products of one shape have one order of sums."""
    return torch.nn.functional.pad(x, (0, 0, 0, BLOCK - x.shape[2]))
