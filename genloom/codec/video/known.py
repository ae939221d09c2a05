"""What a net is told of a clip besides a prompt: frames that are known already.

One net then makes clips from words, goes on from a picture or a clip, and fills in between: what
differs is which frames it is shown, drawn anew at every step. Knows arrays, no file.
Shape legend: B items, C channels, K = C + 1 channels told, T frames, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

# Share of a training in which nothing is known, the first frame, the first few (half at most),
# every second to fourth, the first and the last.
NOTHING, FIRST, BEGINNING, EVERY, ENDS = 0.3, 0.2, 0.25, 0.15, 0.1


def told(x: Tensor, rng: Generator) -> Tensor:
    """[B, K, T, H, W] of clips [B, C, T, H, W]: the frames that are shown, zeros elsewhere; then a
    channel that is 1 where they are known. All zeros where nothing is, as if nothing was told."""
    return shown(x, drawn(len(x), x.shape[2], rng).to(x.device))


def shown(x: Tensor, known: Tensor) -> Tensor:
    """known: bool [B, T], or [B, T, H, W]."""
    mask = known[:, None] if known.dim() == 4 else known[:, None, :, None, None]
    mask = mask.to(x.dtype).expand(len(x), 1, *x.shape[2:])
    return torch.cat((x * mask, mask), 1)


def drawn(count: int, frames: int, rng: Generator) -> Tensor:
    """bool [B, T]: which frames are known."""
    made = torch.zeros(count, frames, dtype=torch.bool)
    kind = torch.rand(count, generator=rng, device=rng.device).cpu()
    size = torch.rand(count, generator=rng, device=rng.device).cpu()
    edges = torch.tensor((NOTHING, FIRST, BEGINNING, EVERY, ENDS)).cumsum(0)
    for row, which in enumerate(torch.bucketize(kind, edges).tolist()):
        share = float(size[row])
        if which == 1:
            made[row, 0] = True
        elif which == 2:
            made[row, : 2 + int(share * max(1, frames // 2 - 1))] = True
        elif which == 3:
            made[row, :: 2 + int(share * 3)] = True
        elif which >= 4:
            made[row, 0] = made[row, -1] = True
    return made
