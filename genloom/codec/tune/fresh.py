"""What a tune must not repeat: runs of bars of the tunes that were learnt from.

A run is known by a digest of its bars but for the last thing in it, with what that thing is: before
it is drawn it can be refused, so that no run comes out whole. Keys do not matter, as in `tune_kin`.
Knows words of tunes; no file and no net.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from genloom.codec.tune.kin import bars_of, unplaced
from genloom.codec.tune.words import BAR, DOUBLE, REPEAT, SORT

Bars = Sequence[tuple[int, ...]]
_CLOSING = (BAR, REPEAT, DOUBLE)
SIGNED = 1000  # what is no step of the melody stands above it, see `bars_of`


def digest(bars: Bars) -> int:
    """Of bars whatever the step into the first note of the first."""
    told = repr((unplaced(bars[0]), *bars[1:])).encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "little", signed=True)


class Learnt:
    """Runs of so many bars that were learnt: digest of all but the last thing -> such things."""

    def __init__(self, size: int, ends: Mapping[int, frozenset[int]] | None = None) -> None:
        self.size = size
        self.ends = dict(ends or {})

    @classmethod
    def of(cls, tunes: Iterable[Sequence[int]], size: int) -> Self:
        """tunes: ids of each, in the order in which they are played."""
        found: dict[int, set[int]] = {}
        for ids in tunes:
            bars = bars_of(ids)
            for start in range(len(bars) - size + 1):
                *before, last = bars[start : start + size]
                if last:
                    found.setdefault(digest([*before, last[:-1]]), set()).add(last[-1])
        return cls(size, {key: frozenset(ends) for key, ends in found.items()})

    def tensors(self) -> dict[str, Tensor]:
        """long [N] twice, as they are stored."""
        pairs = sorted((key, end) for key, ends in self.ends.items() for end in ends)
        both = np.array(pairs, np.int64).reshape(-1, 2)
        return {
            name: torch.from_numpy(both[:, n].copy()) for n, name in enumerate(("runs", "ends"))
        }

    @classmethod
    def from_tensors(cls, size: int, held: Mapping[str, Tensor]) -> Self:
        found: dict[int, set[int]] = {}
        for key, end in zip(held["runs"].tolist(), held["ends"].tolist(), strict=True):
            found.setdefault(key, set()).add(end)
        return cls(size, {key: frozenset(ends) for key, ends in found.items()})


class Follower:
    """The last bars of one tune in the making."""

    def __init__(self, learnt: Learnt) -> None:
        self.learnt = learnt
        self.bars: tuple[tuple[int, ...], ...] = ()
        self.bar: tuple[int, ...] = ()
        self.last: int | None = None

    def take(self, one: int) -> None:
        """An id of the melody came."""
        sort = SORT[one]
        if one in _CLOSING:
            self.bars, self.bar = (*self.bars, self.bar)[1 - self.learnt.size :], ()
        elif sort == "degree":
            self.bar = (*self.bar, 0 if self.last is None else one - self.last)
            self.last = one
        elif sort in ("length", "sign"):
            self.bar = (*self.bar, SIGNED + one)

    def refused(self) -> set[int]:
        """Ids with which a run of what was learnt would be whole."""
        if len(self.bars) < self.learnt.size - 1 or not self.learnt.ends:
            return set()
        ends = self.learnt.ends.get(digest([*self.bars, self.bar]), frozenset())
        return {
            end - SIGNED if end >= SIGNED // 2 else (self.last or 0) + end
            for end in ends
            if end >= SIGNED // 2 or self.last is not None
        }

    def copy(self) -> Follower:
        made = Follower(self.learnt)
        made.bars, made.bar, made.last = self.bars, self.bar, self.last
        return made
