"""Which frames belong to which symbol, when both are in order: monotonic alignment search.

Of all ways to give each symbol a run of at least one frame, in order and without gaps, the one of
the highest sum of values (Kim et al. 2020, algorithm 1). Knows numbers alone.
Shape legend: B items, P symbols, T frames.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


@torch.no_grad()
def aligned(value: Tensor, present: Tensor) -> Tensor:
    """long [B, P]: how many frames each symbol has, adding up to T.

    value   float [B, P, T], how well symbol p explains frame t
    present bool [B, P], which symbols are there, the first ones of a row. Where there are more of
            them than frames, frames are shared out evenly and some symbols have none.
    """
    counts = present.sum(1)
    frames = value.shape[2]
    made = _searched(value.detach().float().cpu().numpy(), counts.cpu().numpy())
    even = _even(counts, frames, value.shape[1])
    few = (counts > frames)[:, None]
    return torch.where(few, even, torch.from_numpy(made).to(value.device))


def _searched(value: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Row by row of time, all items at once; `moved` remembers where a path came from."""
    items, symbols, frames = value.shape
    best = np.full((items, symbols), -np.inf, np.float32)
    best[:, 0] = value[:, 0, 0]
    moved = np.zeros((frames, items, symbols), np.bool_)
    before = np.full((items, symbols), -np.inf, np.float32)
    for t in range(1, frames):
        before[:, 1:] = best[:, :-1]
        moved[t] = before > best
        best = np.maximum(best, before) + value[:, :, t]
    durations = np.zeros((items, symbols), np.int64)
    rows, at = np.arange(items), np.maximum(counts - 1, 0)
    for t in range(frames - 1, -1, -1):
        durations[rows, at] += 1
        at = np.maximum(at - moved[t, rows, at], 0)
    return durations


def _even(counts: Tensor, frames: int, symbols: int) -> Tensor:
    """long [B, P]: frames shared out evenly among the first symbols of each row."""
    place = torch.arange(symbols + 1, device=counts.device)
    ends = (place.clamp(max=counts.max()) * frames).div(counts.clamp(min=1)[:, None]).floor()
    ends = torch.minimum(ends, torch.full_like(ends, frames))
    return ends.diff(dim=1).long()


def owners(durations: Tensor, frames: int) -> Tensor:
    """long [B, T]: the symbol that each frame belongs to; the last one's where none is left."""
    ends = durations.cumsum(1)
    place = torch.arange(frames, device=durations.device).expand(len(durations), -1).contiguous()
    found = torch.searchsorted(ends, place, right=True)
    last = (durations > 0).long() * torch.arange(durations.shape[1], device=durations.device)
    return torch.minimum(found, last.amax(1, keepdim=True))


def stretched(x: Tensor, durations: Tensor, frames: int) -> Tensor:
    """float [B, T, D] of [B, P, D]: each symbol's vector for as many frames as it has."""
    index = owners(durations, frames)[..., None].expand(-1, -1, x.shape[2])
    return x.gather(1, index)


def aligned_slowly(value: Tensor, count: int) -> tuple[float, list[int]]:
    """The best sum and its durations of the first `count` symbols, value [P, T], by trying all."""
    frames = value.shape[1]

    def ways(symbols: int, left: int) -> list[list[int]]:
        if symbols == 1:
            return [[left]]
        firsts = range(1, left - symbols + 2)
        return [[n, *rest] for n in firsts for rest in ways(symbols - 1, left - n)]

    def worth(way: list[int]) -> float:
        owner = torch.repeat_interleave(torch.arange(count), torch.tensor(way))
        return float(value[owner, torch.arange(frames)].sum())

    return max((worth(way), way) for way in ways(count, frames))
