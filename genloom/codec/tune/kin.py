"""Which tunes are settings of one, and where a tune repeats what another has: by intervals and
lengths, whatever the key.

Knows words of tunes; no file and no net.
Shape legend: F features.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from genloom.codec.tune.item import Tune
from genloom.codec.tune.words import BAR, DEGREES_AT, DOUBLE, LENGTHS_AT, REPEAT, SORT

STEPS = 15  # of a melody, from seven down to seven up
HEADS = (2, 4)  # bars after the first: if these are the same, so is the tune
_LEADING = re.compile(r"^(the|an?)\s+|,\s*(the|an?)$|\s*[#(]?\d+\)?$|\s+(set|version)\s*\d*$")
_CLOSING = (BAR, REPEAT, DOUBLE)


def bars_of(ids: Sequence[int]) -> list[tuple[int, ...]]:
    """What each bar holds but for its lines: steps from note to note, lengths and signs."""
    out: list[tuple[int, ...]] = []
    bar: list[int] = []
    last: int | None = None
    for one in ids:
        if one in _CLOSING:
            out.append(tuple(bar))
            bar = []
        elif SORT[one] == "degree":
            bar.append(0 if last is None else one - last)
            last = one
        elif SORT[one] in ("length", "sign"):
            bar.append(1000 + one)
    if bar:
        out.append(tuple(bar))
    return out


def runs(ids: Sequence[int], size: int) -> set[tuple[tuple[int, ...], ...]]:
    """Every run of so many bars; the step into its first note does not count."""
    bars = bars_of(ids)
    out: set[tuple[tuple[int, ...], ...]] = set()
    for start in range(len(bars) - size + 1):
        out.add((unplaced(bars[start]), *bars[start + 1 : start + size]))
    return out


def unplaced(bar: tuple[int, ...]) -> tuple[int, ...]:
    """A bar without the step into its first note."""
    place = next((n for n, one in enumerate(bar) if one < 1000), None)
    return bar if place is None else (*bar[:place], 0, *bar[place + 1 :])


def kin(tunes: Sequence[Tune]) -> list[str]:
    """A name for each; those that share a title or their first bars have the same."""
    parent = list(range(len(tunes)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    seen: dict[object, int] = {}
    for n, one in enumerate(tunes):
        for mark in _marks(one):
            parent[root(n)] = root(seen.setdefault(mark, n))
    return [_name(tunes[root(n)], root(n)) for n in range(len(tunes))]


def _marks(one: Tune) -> Iterable[object]:
    title = one.name.lower().strip()
    while (plain := _LEADING.sub("", title).strip()) != title:
        title = plain
    letters = re.sub(r"[^\w]+", "", title)
    if letters and letters != "untitled":
        yield letters
    low, high = HEADS
    bars = bars_of(one.ids)[low:high]
    if len(bars) == high - low and sum(map(len, bars)) >= 8:
        yield tuple(bars)


def _name(one: Tune, number: int) -> str:
    return one.name or f"tune {number}"


def profile(ids: Sequence[int]) -> Tensor:
    """float [F], of length one: pairs of steps in the scale, steps, and lengths."""
    degrees = [one - DEGREES_AT for one in ids if SORT[one] == "degree"]
    scale, step, length = torch.zeros(7, 7), torch.zeros(STEPS), torch.zeros(24)
    for a, b in pairwise(degrees):
        scale[a % 7, b % 7] += 1
        step[min(max(b - a + STEPS // 2, 0), STEPS - 1)] += 1
    for one in ids:
        if SORT[one] == "length":
            length[min(one - LENGTHS_AT, 23)] += 1
    out = torch.cat((scale.flatten(), step, length))
    return out / out.norm().clamp_min(1.0)
