"""How things move in clips: where they are, which way they go, how much flickers, what comes next.

Plain arithmetic on frames, nothing is learnt. Knows no codec, file or model.
Shape legend: N clips, C channels, T frames, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

STILL = 0.15  # pixels a frame below which nothing moves
EDGE = 1 / 6  # of a side: so near an edge a thing, with what is unseen around it, may turn around
REACH, BLOCK = 4, 8  # pixels within which a block of so many a side is looked for in the next frame
CLEAR = 0.2  # of the range of values: what differs more from the background is no background
WAYS = ("right", "down right", "down", "down left", "left", "up left", "up", "up right")


def weights(x: Tensor) -> Tensor:
    """float [N, T, H, W]: how much of each pixel is no background, which is the median of what
    stands along the edges over the whole clip."""
    rims = (x[..., 0, :], x[..., -1, :], x[..., :, 0], x[..., :, -1])
    rim = torch.cat([one.flatten(2) for one in rims], 2)
    background = rim.median(2).values[:, :, None, None, None]
    off = (x - background).abs().amax(1)
    return (off - CLEAR).clamp(min=0)


def centroids(x: Tensor) -> Tensor:
    """float [N, T, 2]: (row, column) of what stands before the background; the middle where
    nothing does."""
    mass = weights(x)
    height, width = x.shape[-2:]
    total = mass.sum((2, 3)).clamp(min=1e-6)
    rows = (mass.sum(3) * torch.arange(height)).sum(2) / total
    columns = (mass.sum(2) * torch.arange(width)).sum(2) / total
    middle = torch.tensor(((height - 1) / 2, (width - 1) / 2))
    empty = mass.sum((2, 3)) < 1e-3
    return torch.where(empty[..., None], middle, torch.stack((rows, columns), 2))


def headings(x: Tensor, steps: int) -> Tensor:
    """long [N]: which of WAYS the first `steps` steps go in all, by centroids; -1 for none."""
    places = centroids(x)[:, : steps + 1]
    moved = (places[:, -1] - places[:, 0]) / max(1, places.shape[1] - 1)
    turn = torch.atan2(moved[:, 0], moved[:, 1]) / (2 * math.pi) * len(WAYS)
    way = turn.round().long() % len(WAYS)
    return torch.where(moved.norm(dim=1) < STILL, -1, way)


def starts(x: Tensor, way: int) -> Tensor:
    """bool [N]: whether the first step goes this one of WAYS, or the other way where the thing
    stands at the edge it would go to, as things do that bounce."""
    places, mass = centroids(x[:, :, :2]), weights(x[:, :, :1])[:, 0]
    moved = places[:, 1] - places[:, 0]
    low, high = _room(mass)
    good = torch.ones(len(x), dtype=torch.bool)
    words = WAYS[way].split()
    for axis, (back, on) in enumerate((("up", "down"), ("left", "right"))):
        sign = (on in words) - (back in words)
        step = torch.where(moved[:, axis].abs() < STILL, 0, moved[:, axis].sign())
        right = step == sign
        if sign:
            room = high[:, axis] if sign > 0 else -low[:, axis]
            right |= (step == -sign) & (room <= EDGE * x.shape[-2 + axis])
        good &= right
    return good


def changes(x: Tensor) -> Tensor:
    """float [N]: the mean absolute difference of a frame to the next."""
    return (x[:, :, 1:] - x[:, :, :-1]).abs().mean((1, 2, 3, 4))


def flicker(x: Tensor) -> Tensor:
    """float [N]: what of each frame is not found in the next one, moved by a few pixels: the mean
    absolute difference of blocks at their best match (block matching; Jain & Jain 1981)."""
    n, c, t, h, w = x.shape
    here, there = x[:, :, :-1].transpose(1, 2), x[:, :, 1:].transpose(1, 2)
    here, there = here.reshape(-1, c, h, w), there.reshape(-1, c, h, w)
    padded = F.pad(there, (REACH,) * 4, mode="replicate")
    best = None
    for down in range(2 * REACH + 1):
        for right in range(2 * REACH + 1):
            off = (
                (padded[..., down : down + h, right : right + w] - here).abs().mean(1, keepdim=True)
            )
            cost = F.avg_pool2d(off, BLOCK, ceil_mode=True)
            best = cost if best is None else torch.minimum(best, cost)
    assert best is not None
    return best.reshape(n, t - 1, -1).mean((1, 2))


def cut_out(x: Tensor, side: int) -> Tensor:
    """float [N, C, T, side, side]: each frame around its centroid, edges drawn out."""
    n, c, t, h, w = x.shape
    middle = centroids(x).flatten(0, 1)  # [N T, 2]
    offset = torch.arange(side) - (side - 1) / 2
    rows = (middle[:, 0:1] + offset).clamp(0, h - 1).round().long()
    columns = (middle[:, 1:2] + offset).clamp(0, w - 1).round().long()
    frames = x.transpose(1, 2).reshape(n * t, c, h, w)
    index = torch.arange(n * t)[:, None, None]
    cut = frames.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    return cut.permute(0, 3, 1, 2).reshape(n, t, c, side, side).transpose(1, 2)


# --- what comes next ------------------------------------------------------------------------------


def standing(known: Tensor, count: int) -> Tensor:
    """[N, C, count, H, W]: the last known frame, again and again."""
    return known[:, :, -1:].expand(-1, -1, count, -1, -1)


def moving_on(known: Tensor, count: int) -> Tensor:
    """[N, C, count, H, W]: the last known frame moved on by the velocity of the last step, turned
    back where the thing meets an edge."""
    places = centroids(known)
    velocity = places[:, -1] - places[:, -2]
    last, (height, width) = known[:, :, -1], known.shape[-2:]
    made, at, speed = [], torch.zeros_like(velocity), velocity.clone()
    low, high = _room(weights(known[:, :, -1:])[:, 0])
    for _ in range(count):
        step = at + speed
        out = (step < low) | (step > high)
        speed = torch.where(out, -speed, speed)
        at = torch.where(out, at + speed, step)
        made.append(_shifted(last, at, height, width))
    return torch.stack(made, 2)


def _room(mass: Tensor) -> tuple[Tensor, Tensor]:
    """float [N, 2] each: how far a thing [N, H, W] may move until it meets an edge."""
    lows, highs = [], []
    for axis in (2, 1):
        there = mass.amax(axis) > 0
        size = there.shape[1]
        first = torch.where(there.any(1), there.float().argmax(1), 0)
        last = torch.where(there.any(1), size - 1 - there.flip(1).float().argmax(1), size - 1)
        lows.append(-first.float())
        highs.append((size - 1 - last).float())
    return torch.stack(lows, 1), torch.stack(highs, 1)


def _shifted(frames: Tensor, by: Tensor, height: int, width: int) -> Tensor:
    """[N, C, H, W] moved by (rows, columns) [N, 2], between pixels by blending."""
    rows = torch.arange(height)[None, :] - by[:, :1]
    columns = torch.arange(width)[None, :] - by[:, 1:]
    y = (2 * rows + 1) / height - 1
    x = (2 * columns + 1) / width - 1
    grid = torch.stack(
        (x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)), 3
    )
    return F.grid_sample(frames, grid, padding_mode="border", align_corners=False)
