"""A feature space for pictures that needs no download and no training: fixed random convolutions.

Three layers of random filters, the same on every machine, see edges, corners and their
arrangement; means over parts of the picture and of the colours complete them. Distances in it rank
damage well (tests hold that), but its values compare only with its own.
Shape legend: N pictures, C channels, F = WIDTH features.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.errors import DataError

WIDTH = 192
SIDE = 32
SEED = 20231
CHUNK = 512


@torch.no_grad()
def fixed_features(x: Tensor) -> Tensor:
    """float [N, WIDTH] of pictures [N, C, H, W] within [-1, 1]; C is 1 (grey), 3 or 4 (RGBA)."""
    if x.dim() != 4 or x.shape[1] not in (1, 3, 4):
        raise DataError(f"pictures [N, 1|3|4, H, W] were expected, not {tuple(x.shape)}")
    if not len(x):
        return torch.zeros(0, WIDTH)
    return torch.cat([_project(_responses(_standard(part))) for part in x.split(CHUNK)])


def _standard(x: Tensor) -> Tensor:
    """[n, 3, SIDE, SIDE]; transparency shows mid grey."""
    x = x.detach().to("cpu", torch.float32).clamp(-1, 1)
    if x.shape[1] == 4:
        x = x[:, :3] * (x[:, 3:] + 1) / 2
    x = x.expand(-1, 3, -1, -1)
    if x.shape[-2:] == (SIDE, SIDE):
        return x
    return F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)


def _responses(x: Tensor) -> Tensor:
    """Colours in a 4x4 grid, edges in a 2x2 grid, larger structure over the whole picture."""
    one, two, three, _ = _filters()
    edges = F.relu(F.conv2d(x, one, padding=2))
    corners = F.relu(F.conv2d(F.avg_pool2d(edges, 2), two, padding=1))
    parts = F.relu(F.conv2d(F.avg_pool2d(corners, 2), three, padding=1))
    blocks = [
        F.adaptive_avg_pool2d(x, 4).flatten(1),
        edges.mean((2, 3)),
        edges.std((2, 3)),
        F.adaptive_avg_pool2d(corners, 2).flatten(1),
        F.adaptive_avg_pool2d(parts, 2).flatten(1),
        parts.std((2, 3)),
    ]
    return torch.cat(blocks, dim=1)


def _project(x: Tensor) -> Tensor:
    return x @ _filters()[3]


@lru_cache(maxsize=1)
def _filters() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """numpy's PCG64 gives the same stream everywhere, which torch does not promise."""
    draw = np.random.default_rng(SEED)

    def normal(*shape: int) -> Tensor:
        return torch.from_numpy(draw.standard_normal(shape).astype(np.float32))

    one = normal(32, 3, 5, 5)
    one[8:] -= one[8:].mean((1, 2, 3), keepdim=True)  # most look at edges, eight also at colour
    two, three = normal(64, 32, 3, 3), normal(64, 64, 3, 3)
    two, three = (w - 0.5 * w.mean((1, 2, 3), keepdim=True) for w in (two, three))
    filters = [w * (2 / w[0].numel()) ** 0.5 for w in (one, two, three)]
    width = 48 + 32 + 32 + 4 * 64 + 4 * 64 + 64
    return (*filters, normal(width, WIDTH) / WIDTH**0.5)
