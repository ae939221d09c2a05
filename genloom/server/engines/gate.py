"""The way into one model: its queue, its room, and who may have how much of it.

Everything is bounded: samples in flight, calls and bytes that wait. What is over is refused with
the time after which it is worth asking again, from measured times of service. Knows no process.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from genloom.server.engines.fairness import FairQueue, Verdict
from genloom.server.engines.limits import EngineLimits
from genloom.server.engines.work import Work
from genloom.server.failure import Failure

GUESS = 1.0  # seconds that one call takes, before any was measured
NEWER = 0.1  # weight of the newest measurement
MOST_SEEN = 4096  # owners remembered


@dataclass(frozen=True, kw_only=True)
class _Shares:
    """here: owners with work now or a moment ago; heavy: those who want more than a small part."""

    here: set[str]
    heavy: set[str]


def refused(status: int, code: str, message: str, seconds: float) -> Failure:
    """With the whole seconds after which to ask again."""
    after = str(max(1, min(600, math.ceil(seconds))))
    return Failure(status, message, code=code, headers={"retry-after": after})


class Gate:
    """clock: seconds. isolated: says of a work that it must not run beside another such. pace:
    seconds of a step and of each sample in it, as measured; 0 where that is not known."""

    def __init__(
        self,
        limits: EngineLimits,
        clock: Callable[[], float],
        isolated: Callable[[Work], bool] = lambda work: False,
        pace: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0),
    ) -> None:
        self.limits, self.clock, self.isolated, self.pace = limits, clock, isolated, pace
        self.queue: FairQueue[Work] = FairQueue()
        self.running: set[Work] = set()
        self.streams = 0
        self.seconds = 0.0  # of service, of one call; 0: none was measured
        self._of: Counter[str] = Counter()  # samples in flight, by owner
        self._batch = 0
        self._seen: OrderedDict[str, float] = OrderedDict()

    @property
    def idle(self) -> bool:
        return not self.queue and not self.running

    def waiting(self) -> dict[str, int]:
        """Calls in the queue, by whose they are."""
        return dict(Counter(work.owner for work in self.queue))

    def working(self) -> dict[str, int]:
        """Samples in flight, by whose they are."""
        return dict(self._of)

    # --- in and out -------------------------------------------------------------------------------

    def enter(self, work: Work) -> None:
        """Queue it. Failure where there is no place to wait."""
        limits, queue = self.limits, self.queue
        if queue.waiting(work.owner) >= limits.per_owner:
            raise refused(
                429,
                "rate_limit_exceeded",
                f"{limits.per_owner} calls of this key wait already: wait for some of them",
                self.wait(),
            )
        full = len(queue) >= limits.waiting
        if full or (queue and queue.size + work.size > limits.waiting_bytes):
            raise refused(
                503, "overloaded", f"{len(queue)} calls wait already: try again later", self.wait()
            )
        if work.seconds is not None and self.seconds and self.wait() > work.seconds:
            raise refused(
                503,
                "overloaded",
                f"this would wait {self.wait():.0f} s and has {work.seconds:g}: try again later",
                self.wait(),
            )
        self._see(work.owner)
        queue.add(work)

    def again(self, work: Work) -> None:
        """Queue what had begun, ahead of what its owner has here; never refused."""
        self._out(work)
        self.queue.add(work, first=True)

    def next(self) -> Work | None:
        """One that may begin now, which takes its room."""
        if not self.queue or (self.streams >= self.limits.room):
            return None
        shares = self._shares()
        work = self.queue.take(lambda one: self._judge(one, shares))
        if work is not None:
            self._in(work)
        return work

    def _in(self, work: Work) -> None:
        work.begun = self.clock()
        work.charged = work.weight * (self.seconds or GUESS)
        self.queue.charge(work.owner, work.charged)
        self.running.add(work)
        self.streams += work.weight
        self._of[work.owner] += work.weight
        self._batch += work.weight if work.batch else 0

    def leave(self, work: Work, finished: bool) -> None:
        """It is over, wherever it was; finished: to its end, so that its time is a measurement."""
        if work in self.running:
            took = self.clock() - work.begun
            self.queue.charge(work.owner, work.weight * took - work.charged)
            self._out(work)
            if finished:
                self.seconds += (took - self.seconds) * (NEWER if self.seconds else 1.0)
        elif work in self.queue.lines[work.batch].get(work.owner, ()):
            self.queue.drop(work)
        self._see(work.owner)

    def _out(self, work: Work) -> None:
        self.running.discard(work)
        self.streams -= work.weight
        self._of[work.owner] -= work.weight
        self._batch -= work.weight if work.batch else 0
        if not self._of[work.owner]:
            del self._of[work.owner]

    def _see(self, owner: str) -> None:
        self._seen[owner] = self.clock()
        self._seen.move_to_end(owner)
        if len(self._seen) > MOST_SEEN:
            self._seen.popitem(last=False)

    def forget(self) -> None:
        """Drop what is known of owners who were not here for a while."""
        old = self.clock() - self.limits.recent
        while self._seen and next(iter(self._seen.values())) < old:
            self._seen.popitem(last=False)
        self.queue.forget(lambda owner: owner in self._of or self.queue.waiting(owner) > 0)

    # --- who may have how much --------------------------------------------------------------------

    def _judge(self, work: Work, shares: _Shares) -> Verdict:
        room = self.limits.room
        if self.isolated(work) and any(map(self.isolated, self.running)):
            return Verdict.PASS
        if self.streams and self.streams + work.weight > room:
            return Verdict.STOP
        if work.batch and self._batch and self._batch + work.weight > room * self.limits.batch:
            return Verdict.PASS
        mine = self._of.get(work.owner, 0)
        if mine and mine + work.weight > self._share(work.owner, shares):
            return Verdict.PASS
        return Verdict.TAKE

    def share(self, owner: str) -> float:
        """Samples that this owner may have in flight now. Those who ask for much share a part of
        the room that is small while others ask for little, and large where there are no others."""
        return self._share(owner, self._shares())

    def _share(self, owner: str, shares: _Shares) -> float:
        heavy = shares.heavy | {owner}
        room = self.limits.room * self.limits.alone
        if not shares.here <= heavy:
            room = min(room, self._beside())
        return max(1.0, room / len(heavy))

    def _beside(self) -> float:
        """Samples that may be in flight beside others' few: as many as slow those no more than is
        allowed, where it is known by how much a sample slows a step."""
        step, sample = self.pace()
        if not sample:
            return self.limits.room * self.limits.beside
        return (self.limits.slower - 1) * (step + sample) / sample

    def _shares(self) -> _Shares:
        beside = self.limits.room * self.limits.beside
        old = self.clock() - self.limits.recent
        waiting = self.queue.owners()
        here = {owner for owner, seen in self._seen.items() if seen >= old}
        heavy = waiting | {owner for owner, count in self._of.items() if count >= beside}
        return _Shares(here=here | waiting | set(self._of), heavy=heavy)

    def wait(self) -> float:
        """Seconds until one who comes now would begin, as far as was measured."""
        ahead = sum(one.weight for one in self.queue) + self.streams / 2
        return ahead / self.limits.room * (self.seconds or GUESS)
