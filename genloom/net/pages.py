"""Keys and values in pages that sequences share, and the attention that reads them.

A sequence owns a row of a table; the table names pages. Who gets which page is not known here (see
engine/paged.py); neither is what the ids mean. The torch version below is the slow, obvious one;
`net/quantize.py` runs the same layout through native kernels.
Shape legend: S sequences, N all new tokens laid end to end, P pages, H heads, G key-value heads,
E head dimension, T positions of one sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genloom.net.attention import EVERYWHERE, Sight, attend

PAGE = 32  # positions a page: one tile of the matrix units, and the grain of prefix reuse


@dataclass
class Pages:
    """The memory. keys [layers, P, G, PAGE, E]; values [layers, P, G, E, PAGE], turned, so that
    both lie as the matrix units read them."""

    keys: Tensor
    values: Tensor

    @classmethod
    def empty(
        cls,
        layers: int,
        pages: int,
        heads: int,
        size: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> Pages:
        shape = (layers, pages, heads)
        return cls(
            torch.zeros(*shape, PAGE, size, dtype=dtype, device=device),
            torch.zeros(*shape, size, PAGE, dtype=dtype, device=device),
        )

    @staticmethod
    def bytes_each(layers: int, heads: int, size: int, dtype: torch.dtype) -> int:
        """Bytes of one page, keys and values of all layers."""
        return 2 * layers * heads * PAGE * size * dtype.itemsize

    def copy(self, source: int, target: int) -> None:
        """One page's content to another, all layers."""
        self.keys[:, target] = self.keys[:, source]
        self.values[:, target] = self.values[:, source]


class PagedAttention:
    """q [N, H, E], k and v [N, G, E] -> [N, H, E]: causal within each of S sequences.

    table   int32 [S, most]: the pages of each sequence in the order of its positions
    start   int32 [S]: positions of each that are already in its pages
    count   int32 [S]: new tokens of each, laid end to end; their sum is N
    New keys and values are written behind what is there, then each token looks back at all of its
    own sequence (or the window's part). Host tensors: they say where, not what.
    """

    def __init__(self, pages: Pages, table: Tensor, start: Tensor, count: Tensor) -> None:
        self.pages, self.table, self.start, self.count = pages, table, start, count
        self._spots: tuple[Tensor, Tensor] | None = None

    def positions(self) -> Tensor:
        """long [N, 1]: of each new token within its sequence."""
        begin = self.start.repeat_interleave(self.count)
        first = (self.count.cumsum(0) - self.count).repeat_interleave(self.count)
        place = torch.arange(len(begin)) - first
        return (begin + place).long()[:, None].to(self.pages.keys.device)

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        keys, values = self.pages.keys[layer], self.pages.values[layer]
        page, place = self._where()
        keys[page, :, place] = k.to(keys.dtype)
        values[page, :, :, place] = v.to(values.dtype)
        out, first = torch.empty_like(q), 0
        for row, (start, count) in enumerate(
            zip(self.start.tolist(), self.count.tolist(), strict=True)
        ):
            if count:
                mine = slice(first, first + count)
                out[mine] = self._look(q[mine], keys, values, row, start, sight)
                first += count
        return out

    def _look(
        self, q: Tensor, keys: Tensor, values: Tensor, row: int, start: int, sight: Sight
    ) -> Tensor:
        """q [count, H, E] of one sequence over all its positions, in plain torch."""
        total = start + len(q)
        near = self.table[row, : -(-total // PAGE)].long().to(keys.device)
        k = keys[near].transpose(1, 2).flatten(0, 1)[:total]  # [T, G, E]
        v = values[near].permute(0, 3, 1, 2).flatten(0, 1)[:total]
        at = torch.arange(start, total, device=q.device)[:, None]
        seen = torch.arange(total, device=q.device)
        mask = seen <= at
        if sight.window:
            mask = mask & (seen > at - sight.window)
        near_by = (x[None].to(q.dtype) for x in (k, v))
        return attend(q[None], *near_by, causal=False, mask=mask[None, None], sight=sight)[0]

    def _where(self) -> tuple[Tensor, Tensor]:
        """long [N] each: page and place within it of every new token."""
        if self._spots is None:
            position = self.positions()[:, 0].cpu()
            row = torch.arange(len(self.count)).repeat_interleave(self.count)
            page = self.table[row, position // PAGE].long()
            device = self.pages.keys.device
            self._spots = page.to(device), (position % PAGE).to(device)
        return self._spots
