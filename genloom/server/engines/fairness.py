"""Whose turn it is: the owner who was served least goes first, calls that may wait behind all.

What an owner was served is counted in sample-seconds (samples in flight times time), so a long
video and a short text weigh what they take (the idea of virtual token counters, Sheng and others
2024). An owner who comes anew starts level with those who are here: nobody saves up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """What waits. weight: samples that it puts in flight; size: bytes that it holds meanwhile."""

    owner: str
    batch: bool
    weight: int
    size: int


class Verdict(Enum):
    """of one who is first in line: TAKE it; PASS over its owner; STOP, since it waits for room."""

    TAKE = 0
    PASS = 1
    STOP = 2


W = TypeVar("W", bound=Waiting)


class FairQueue(Generic[W]):
    """Lines of owners."""

    def __init__(self) -> None:
        self.lines: tuple[dict[str, deque[W]], dict[str, deque[W]]] = ({}, {})
        self.served: dict[str, float] = {}
        self.level = 0.0
        self.size = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[W]:
        for lines in self.lines:
            for line in lines.values():
                yield from line

    def waiting(self, owner: str) -> int:
        return sum(len(lines.get(owner, ())) for lines in self.lines)

    def owners(self) -> set[str]:
        """Who waits with calls that may not wait behind all."""
        return set(self.lines[False])

    def add(self, work: W, first: bool = False) -> None:
        """first: ahead of what its owner has here."""
        line = self.lines[work.batch].setdefault(work.owner, deque())
        if first:
            line.appendleft(work)
        else:
            line.append(work)
        self._count += 1
        self.size += work.size
        if self.served.get(work.owner, 0.0) < self.level:
            self.served[work.owner] = self.level

    def take(self, judge: Callable[[W], Verdict]) -> W | None:
        """The first who may begin."""
        for lines in self.lines:
            for owner in sorted(lines, key=lambda one: self.served.get(one, 0.0)):
                verdict = judge(lines[owner][0])
                if verdict is Verdict.TAKE:
                    self.level = max(self.level, self.served.get(owner, 0.0))
                    work = lines[owner][0]
                    self.drop(work)
                    return work
                if verdict is Verdict.STOP:
                    return None
        return None

    def drop(self, work: W) -> None:
        lines = self.lines[work.batch]
        line = lines[work.owner]
        line.remove(work)
        if not line:
            del lines[work.owner]
        self._count -= 1
        self.size -= work.size

    def charge(self, owner: str, seconds: float) -> None:
        """Sample-seconds that an owner took, or gives back."""
        self.served[owner] = self.served.get(owner, 0.0) + seconds

    def forget(self, here: Callable[[str], bool]) -> None:
        """Drop what is known of those who are not here and are owed nothing."""
        gone = [o for o, s in self.served.items() if s <= self.level and not here(o)]
        for owner in gone:
            del self.served[owner]
