"""Rotary positions over A integer axes (Su et al. 2021; axes share the head dimension evenly).

Knows coordinates, head dimensions and how frequencies are stretched for contexts longer than those
learnt from; not where the coordinates come from.
Shape legend: ... leading dimensions, A axes, H heads, E head dimension, P pairs that turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """How frequencies learnt for `original` positions serve more of them.

    linear    every frequency divided by factor (Chen et al. 2023)
    llama3    slow ones divided by factor, fast ones kept, between them a blend; low and high are
              turns within `original`
    yarn      the same by a ramp over pairs (Peng et al. 2023, section 3.2), low and high its betas
    longrope  each pair has a divisor of its own (Ding et al. 2024): `short` within `original`
              positions, `long` for a context beyond
    gain multiplies cosines and sines; 0 is the kind's own.
    """

    kind: Literal["linear", "llama3", "yarn", "longrope"]
    original: int
    factor: float = 1.0
    low: float = 1.0
    high: float = 4.0
    short: tuple[float, ...] = ()
    long: tuple[float, ...] = ()
    gain: float = 0.0
    truncate: bool = True  # yarn: the ramp begins and ends at whole pairs


@dataclass(frozen=True, kw_only=True)
class Rotary:
    """share: of each head's dimension that turns. local_base: base of layers that see a window
    only, 0 for the same as the others."""

    base: float = 10000.0
    share: float = 1.0
    local_base: float = 0.0
    stretch: Stretch | None = None

    def local(self) -> Rotary:
        """What windowed layers use: never stretched where they have a base of their own."""
        return Rotary(base=self.local_base, share=self.share) if self.local_base else self


USUAL = Rotary()


def frequencies(rotary: Rotary, size: int, axes: int = 1, length: int = 0) -> tuple[Tensor, float]:
    """(radians a position, float32 [P]; gain of cosines and sines) for a head of `size` and a
    context of `length` positions."""
    turned = int(size * rotary.share)
    pairs = turned // (2 * axes)
    plain = rotary.base ** -(torch.arange(pairs, dtype=torch.float32) / max(pairs, 1))
    stretch = rotary.stretch
    if stretch is None:
        return plain, 1.0
    if stretch.kind == "linear":
        return plain / stretch.factor, stretch.gain or 1.0
    if stretch.kind == "llama3":
        return _by_turns(plain, stretch), stretch.gain or 1.0
    if stretch.kind == "yarn":
        gain = 0.1 * math.log(stretch.factor) + 1.0 if stretch.factor > 1 else 1.0
        return _by_ramp(plain, stretch, rotary.base, turned), stretch.gain or gain
    divisors = stretch.long if length > stretch.original else stretch.short
    gain = 1.0
    if stretch.factor > 1:
        gain = math.sqrt(1 + math.log(stretch.factor) / math.log(stretch.original))
    return plain / torch.tensor(divisors, dtype=torch.float32), stretch.gain or gain


def _by_turns(plain: Tensor, stretch: Stretch) -> Tensor:
    turns = stretch.original * plain / (2 * math.pi)
    kept = ((turns - stretch.low) / (stretch.high - stretch.low)).clamp(0, 1)
    return (1 - kept) * plain / stretch.factor + kept * plain


def _by_ramp(plain: Tensor, stretch: Stretch, base: float, turned: int) -> Tensor:
    def pair(turns: float) -> float:
        """The pair that turns so often within the original context."""
        return turned * math.log(stretch.original / (turns * 2 * math.pi)) / (2 * math.log(base))

    first, last = pair(stretch.high), pair(stretch.low)
    if stretch.truncate:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, turned - 1)
    place = torch.arange(len(plain), dtype=torch.float32)
    slow = ((place - first) / max(last - first, 0.001)).clamp(0, 1)
    return slow * plain / stretch.factor + (1 - slow) * plain


def angles(
    position: Tensor, frequency: Tensor, size: int, gain: float = 1.0
) -> tuple[Tensor, Tensor]:
    """cos and sin, float [..., P'], for positions long [..., A] and frequencies [P].

    Each axis turns P pairs of a head of `size`. Over several axes, pairs left over stay unturned.
    """
    turn = (position[..., None].float() * frequency).flatten(-2)  # [..., A * P]
    rest = size // 2 - turn.shape[-1]
    if rest and position.shape[-1] > 1:
        turn = torch.nn.functional.pad(turn, (0, rest))
    cos, sin = turn.cos(), turn.sin()
    return (cos, sin) if gain == 1.0 else (cos * gain, sin * gain)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (x[i], x[i + P]) of each head: x [..., H, E], cos and sin [..., P]; what is
    beyond the first 2 P numbers of a head stays."""
    turned = 2 * cos.shape[-1]
    cos, sin = cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)
    if turned == x.shape[-1] and (torch.is_grad_enabled() or x.dtype == torch.bfloat16):
        # fewer passes over memory, back above all: 2.7 ms for 4.2 (16 x 256 x 3 x 64)
        cos, sin = torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1)
        return torch.addcmul(x * cos, x.roll(turned // 2, -1), sin)
    first, second = x[..., :turned].chunk(2, -1)
    parts = [first * cos - second * sin, second * cos + first * sin]
    if turned < x.shape[-1]:
        parts.append(x[..., turned:])
    return torch.cat(parts, -1)
