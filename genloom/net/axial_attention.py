"""Attention over a grid in two turns: within each slice of the first axis, then along that axis.

Of L = T S places a layer sees S or T instead of all, which makes long clips cheap (Ho et al. 2022,
Video Diffusion Models, section 3.1). What stands before the grid (a prompt) is seen by every
place in every layer, and sees itself alone.
Shape legend: B items, T slices, S places of a slice, P positions before the grid, H heads, E head
dimension.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genloom.net.attention import EVERYWHERE, Sight, attend


@dataclass(frozen=True)
class AxialAttention:
    """slices: T. before: P. present: bool [B, P + T S], which of the positions before the grid are
    there, or None for all. Even layers see a slice, odd ones a line across the slices."""

    slices: int
    before: int = 0
    present: Tensor | None = None

    def __call__(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, sight: Sight = EVERYWHERE
    ) -> Tensor:
        p = self.before
        grids = [self._lined(x[:, p:], layer) for x in (q, k, v)]
        lines, length = grids[0].shape[0] // len(q), grids[0].shape[1]
        heads = [x[:, :p].repeat_interleave(lines, 0) for x in (k, v)] if p else []
        if not p:
            out = attend(*grids, causal=False, mask=None, sight=sight)
            return self._whole(out, layer, len(q))
        mask, first = None, None
        if self.present is not None:
            first = self.present[:, None, None, :p]
            there = self.present[:, :p].repeat_interleave(lines, 0)
            mask = torch.cat((there, there.new_ones(len(there), length)), 1)[:, None, None]
        keys, values = (torch.cat(pair, 1) for pair in zip(heads, grids[1:], strict=True))
        out = attend(grids[0], keys, values, causal=False, mask=mask, sight=sight)
        own = attend(q[:, :p], k[:, :p], v[:, :p], causal=False, mask=first, sight=sight)
        return torch.cat((own, self._whole(out, layer, len(q))), 1)

    def _lined(self, x: Tensor, layer: int) -> Tensor:
        """[B, T S, H, E] -> [B T, S, H, E] in even layers, [B S, T, H, E] in odd ones."""
        cells = x.unflatten(1, (self.slices, -1))
        return (cells.transpose(1, 2) if layer % 2 else cells).flatten(0, 1)

    def _whole(self, x: Tensor, layer: int, items: int) -> Tensor:
        """The inverse of `_lined`."""
        cells = x.unflatten(0, (items, -1))
        return (cells.transpose(1, 2) if layer % 2 else cells).flatten(1, 2)
