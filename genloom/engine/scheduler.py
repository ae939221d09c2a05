"""Who steps next: a queue of requests cut into chunks, and the flights of samples in the making.

Policy and bookkeeping; the arithmetic of a step is the family's.
Shape legend: B samples of a flight.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from genloom.family.base import Cache, Making, Samples
from genloom.spec import ArraySpec, Spec

ROWS = 16384  # samples of short fixed items in flight: few calls, each still within the cache
STREAMS = 256  # running texts in flight; how many tokens they feed a step is the pages' matter
ELEMENTS = 1 << 18  # numbers of all arrays in flight
CACHED = 256 << 20  # bytes of all caches in flight


def most_rows(spec: Spec, cached: int = 0) -> int:
    """How many samples to keep in flight; cached: bytes that one of them keeps in its cache."""
    if isinstance(spec, ArraySpec):
        size = spec.channels
        for side in spec.grid:
            size *= side
        return max(16, min(ROWS, ELEMENTS // size))
    most = ROWS if spec.eos is None else STREAMS
    return max(16, min(most, CACHED // max(1, cached)))


def weigh(spec: Spec, grid: tuple[int, ...] | None) -> int:
    """How many usual samples one of this grid counts for."""
    if grid is None or not isinstance(spec, ArraySpec):
        return 1
    return max(1, -(-math.prod(grid) // math.prod(spec.grid)))


@dataclass
class Flight:
    """Samples that step together. owner, slot: long [B], whose sample it is and which of theirs.
    weight: how many usual samples each counts for."""

    samples: Making
    cache: Cache | None
    owner: Tensor
    slot: Tensor
    weight: int = 1

    def __len__(self) -> int:
        return len(self.samples)

    def keep(self, rows: Tensor) -> None:
        self.samples = self.samples.select(rows)
        self.cache = None if self.cache is None else self.cache.select(rows)
        rows = rows.cpu()
        self.owner, self.slot = self.owner[rows], self.slot[rows]

    def part(self, rows: int) -> Flight:
        """Keep the first so many; the rest as a flight of their own."""
        assert isinstance(self.samples, Samples)
        device = self.samples.x.device
        here, there = torch.arange(rows), torch.arange(rows, len(self))
        apart = self.samples.select(there.to(device))
        rest = Flight(apart, None, self.owner[there], self.slot[there], self.weight)
        self.keep(here.to(device))
        return rest

    def take(self, other: Flight) -> bool:
        """Let the other's samples join, if they are of the same kind."""
        if not self.samples.kin(other.samples):
            return False
        self.samples = type(self.samples).cat([self.samples, other.samples])
        if self.cache is not None:
            self.cache = self.cache.join(other.cache)
        self.owner = torch.cat((self.owner, other.owner))
        self.slot = torch.cat((self.slot, other.slot))
        return True


@dataclass
class Waiting:
    """Samples of one request that have not started: numbers first .. last - 1."""

    owner: int
    first: int
    last: int
    priority: int = 0


class Queue:
    """The most urgent first, then as they came, in chunks that fit."""

    def __init__(self) -> None:
        self.waiting: deque[Waiting] = deque()

    def add(self, owner: int, count: int, priority: int = 0) -> None:
        place = len(self.waiting)
        while place and self.waiting[place - 1].priority < priority:
            place -= 1
        self.waiting.insert(place, Waiting(owner, 0, count, priority))

    def drop(self, owner: int) -> None:
        self.waiting = deque(w for w in self.waiting if w.owner != owner)

    def first(self) -> int | None:
        """Whose samples are the next to start."""
        return self.waiting[0].owner if self.waiting else None

    def next(self, room: int) -> Waiting | None:
        """The next samples to start, at most `room` of them."""
        if not self.waiting or room <= 0:
            return None
        head = self.waiting[0]
        taken = Waiting(head.owner, head.first, min(head.last, head.first + room))
        head.first = taken.last
        if head.first >= head.last:
            self.waiting.popleft()
        return taken
