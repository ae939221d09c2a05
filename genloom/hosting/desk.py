"""Texts that are read rather than made: runs of ids of several requests share the net's calls.

One call at a time, between the engine's ticks, so that running texts wait for one at most. Knows
runs and who wants their hidden states; not what for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from genloom.engine.reading import Reader
from genloom.errors import GenloomError, ResourceError
from genloom.net.quantize import at_work

TOGETHER = 256  # runs of one call


@dataclass
class Reading:
    """The runs of one request that are still to be read, in order."""

    runs: deque[Sequence[int]]
    take: Callable[[Tensor], None]
    fail: Callable[[GenloomError], None]
    open: bool = True


class Desk:
    """First come, first read; a call takes as many runs as fit."""

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._make = reader
        self.waiting: deque[Reading] = deque()

    @cached_property
    def reader(self) -> Reader:
        return self._make()

    @property
    def busy(self) -> bool:
        return bool(self.waiting)

    def add(
        self,
        runs: Sequence[Sequence[int]],
        take: Callable[[Tensor], None],
        fail: Callable[[GenloomError], None],
    ) -> Reading:
        """Read these; take: is handed the hidden states [L, D] of each, in order."""
        made = Reading(deque(runs), take, fail)
        self.waiting.append(made)
        return made

    def step(self) -> None:
        """One call of the net."""
        self.waiting = deque(r for r in self.waiting if r.open and r.runs)
        group = self._group()
        if group:
            self._read(group)

    def _group(self) -> list[tuple[Reading, Sequence[int]]]:
        room, group = self.reader.memory.budget, []
        for reading in self.waiting:
            while reading.runs and len(group) < TOGETHER:
                size = len(reading.runs[0])
                if group and size > room:
                    return group
                room -= size
                group.append((reading, reading.runs.popleft()))
        return group

    @torch.inference_mode()
    def _read(self, group: list[tuple[Reading, Sequence[int]]]) -> None:
        try:
            with at_work(self.reader.net):
                hidden = self.reader.together([run for _, run in group])
        except (MemoryError, RuntimeError, GenloomError) as error:
            if len(group) > 1:  # each by itself, so that one too many fails alone
                for one in group:
                    self._read([one])
                return
            known = error if isinstance(error, GenloomError) else ResourceError(str(error))
            _give_up(group[0][0], known)
            return
        for (reading, _), states in zip(group, hidden, strict=True):
            if not reading.open:
                continue
            try:
                reading.take(states)
            except GenloomError as error:
                _give_up(reading, error)


def _give_up(reading: Reading, error: GenloomError) -> None:
    reading.open = False
    reading.runs.clear()
    reading.fail(error)
