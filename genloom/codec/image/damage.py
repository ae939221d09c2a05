"""What happens to pictures: noise, blur, the blocks of strong compression, scratches, holes.

Every item is damaged by its own measure, drawn from the generator that is handed in. Knows arrays
only: no file, no codec.
Shape legend: B items, C channels, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

NOISE = 0.4  # standard deviation at most
BLUR = 1.6  # pixels, standard deviation at most
BLOCK = 8  # pixels a side, as JPEG has them
COARSEST = 0.35  # step of a block's coefficients at most
SCRATCHES = 3  # at most
STROKES = 3  # of a brush, or boxes, at most


def damaged(x: Tensor, most: float, rng: Generator, scratched: bool = True) -> Tensor:
    """Each kind of damage in every other item, none in some. most: 1 is what is above, 0 none."""
    kinds: list[Callable[[Tensor, Tensor, Generator], Tensor]] = [blurred, blocky, noisy]
    if scratched:
        kinds.append(scratchy)
    for kind in kinds:
        chosen = draw(len(x), rng) < 0.5
        strength = draw(len(x), rng) * chosen * most
        x = kind(x, strength, rng)
    return x.clamp(-1, 1)


def noisy(x: Tensor, strength: Tensor, rng: Generator) -> Tensor:
    """Normal noise. strength [B] from 0 to 1."""
    noise = torch.randn(x.shape, generator=rng, device=rng.device).to(x.device)
    return x + NOISE * each(strength, x) * noise


def blurred(x: Tensor, strength: Tensor, rng: Generator | None = None) -> Tensor:
    """A normal blur of each item's own width, one axis after the other."""
    reach = min(5, x.shape[-1] - 1, x.shape[-2] - 1)
    at = torch.arange(-reach, reach + 1, device=x.device).float()
    width = (BLUR * strength).clamp(min=1e-2)[:, None].to(x.device)
    kernel = torch.exp(-0.5 * (at / width).square())
    kernel = kernel / kernel.sum(1, keepdim=True)
    rows = kernel.repeat_interleave(x.shape[1], 0)[:, None]  # [B * C, 1, taps]
    h = F.pad(x, (reach,) * 4, mode="reflect").flatten(0, 1)[None]
    h = F.conv2d(h, rows[:, :, :, None], groups=len(rows))
    h = F.conv2d(h, rows[:, :, None, :], groups=len(rows))
    return h[0].reshape(x.shape)


def blocky(x: Tensor, strength: Tensor, rng: Generator | None = None) -> Tensor:
    """Blocks of a cosine transform with rounded coefficients, the finer the more: JPEG in short
    (Wallace 1991, sections 4.1-4.2; no colour space, no entropy coding)."""
    high, wide = x.shape[-2:]
    h = F.pad(x, (0, -wide % BLOCK, 0, -high % BLOCK), mode="replicate")
    rows, columns = h.shape[-2] // BLOCK, h.shape[-1] // BLOCK
    h = h.reshape(*h.shape[:2], rows, BLOCK, columns, BLOCK).transpose(3, 4)
    turn = _cosines().to(x)
    found = turn @ h @ turn.T
    ramp = torch.arange(BLOCK, device=x.device).float()
    step = (1 + ramp[:, None] + ramp) / 4 * COARSEST
    step = (each(strength, x)[..., None, None] * step).clamp(min=1e-4)
    found = (found / step).round() * step
    h = (turn.T @ found @ turn).transpose(3, 4)
    h = h.reshape(*x.shape[:2], rows * BLOCK, columns * BLOCK)
    return h[..., :high, :wide]


def _cosines() -> Tensor:
    """[8, 8], orthonormal DCT-II."""
    n = torch.arange(BLOCK).float()
    turn = torch.cos(torch.pi / BLOCK * (n[None] + 0.5) * n[:, None]) * (2 / BLOCK) ** 0.5
    turn[0] /= 2**0.5
    return turn


def scratchy(x: Tensor, strength: Tensor, rng: Generator) -> Tensor:
    """Straight thin lines, light or dark; more of them where damage is strong."""
    for number in range(SCRATCHES):
        there = (draw(len(x), rng) * SCRATCHES < strength * (SCRATCHES - number)) & (strength > 0)
        line = _lines(x, rng, thick=0.02) & each(there, x).bool()
        shade = each(torch.sign(draw(len(x), rng) - 0.5), x).to(x)
        x = torch.where(line.to(x.device), shade, x)
    return x


def holes(x: Tensor, rng: Generator) -> Tensor:
    """bool [B, 1, H, W], what is missing: boxes, strokes of a brush, a side, now and then all."""
    kind = draw(len(x), rng)
    boxes, strokes = _several(_boxes, x, rng), _several(_strokes, x, rng)
    sides, every = ~_boxes(x, rng, least=0.4), torch.ones_like(boxes)
    out = torch.where(each(kind < 0.45, x).bool(), boxes, strokes)
    out = torch.where(each(kind > 0.8, x).bool(), sides, out)
    return torch.where(each(kind > 0.95, x).bool(), every, out)


def _several(make: Callable[[Tensor, Generator], Tensor], x: Tensor, rng: Generator) -> Tensor:
    """One to three a picture."""
    count = 1 + (draw(len(x), rng) * STROKES).long()
    out = make(x, rng)
    for number in range(1, STROKES):
        out = out | (make(x, rng) & each(count > number, x).bool())
    return out


def _boxes(x: Tensor, rng: Generator, least: float = 0.15) -> Tensor:
    """bool [B, 1, H, W], one box an item, its sides from `least` to 0.7 of the picture's."""
    inside = []
    for length in x.shape[-2:]:
        size = (least + (0.7 - least) * draw(len(x), rng)) * length
        start = draw(len(x), rng) * (length - size)
        at = torch.arange(length).float()[None] + 0.5
        inside.append((at >= start[:, None]) & (at <= (start + size)[:, None]))
    return (inside[0][:, :, None] & inside[1][:, None, :])[:, None]


def _strokes(x: Tensor, rng: Generator) -> Tensor:
    return _lines(x, rng, thick=0.1)


def _lines(x: Tensor, rng: Generator, thick: float) -> Tensor:
    """bool [B, 1, H, W], a line from one place to another, so thick for the shorter side."""
    high, wide = x.shape[-2:]
    ends = draw(len(x) * 4, rng).reshape(len(x), 4) * torch.tensor([high, wide, high, wide])
    down = torch.arange(high).float()[None, :, None] + 0.5
    right = torch.arange(wide).float()[None, None, :] + 0.5
    top, left, bottom, end = (v[:, None, None] for v in ends.unbind(1))
    dy, dx = bottom - top, end - left
    along = ((down - top) * dy + (right - left) * dx) / (dy**2 + dx**2).clamp(min=1e-6)
    along = along.clamp(0, 1)
    away = (down - top - along * dy).square() + (right - left - along * dx).square()
    width = max(0.5, thick * min(high, wide)) * (0.5 + draw(len(x), rng))
    return (away <= width[:, None, None].square())[:, None]


def draw(count: int, rng: Generator) -> Tensor:
    """[count] uniform numbers, on the CPU whatever the generator's device."""
    return torch.rand(count, generator=rng, device=rng.device).cpu()


def each(values: Tensor, like: Tensor) -> Tensor:
    """[B] -> float [B, 1, 1, 1] on like's device."""
    return values.float().reshape(-1, 1, 1, 1).to(like.device)
