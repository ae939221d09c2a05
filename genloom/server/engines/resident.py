"""One model at work: its calls are admitted, begun in its process as there is room, and ended.

Knows calls and when processes come and go; not how they are started (hosts.py), nor other models.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom.server.call import Call
from genloom.server.engines.gate import Gate, refused
from genloom.server.engines.hosts import Hosts, Room
from genloom.server.engines.limits import EngineLimits
from genloom.server.engines.nursery import LOG, Nursery
from genloom.server.engines.poison import Poison
from genloom.server.engines.process import HostProcess, Listener
from genloom.server.engines.stats import Counts, ModelStats
from genloom.server.engines.work import Work
from genloom.server.failure import Failure


class Resident:
    """kept: is to be in memory always. used: when it was worked with last."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        limits: EngineLimits,
        nursery: Nursery,
        poison: Poison,
        room: Room,
    ) -> None:
        self.name, self.limits, self.poison = name, limits, poison
        self.counts = Counts()
        self.hosts = Hosts(
            folder, limits=limits, nursery=nursery, counts=self.counts, room=room, tenant=self
        )
        self.clock = self.hosts.loop.time
        self.gate = Gate(limits, self.clock, self._isolated, self._pace)
        self.kept = False
        self.used = self.looked = self.clock()
        self.memory = 0
        self._pumping = False
        self._waiting = 0  # for a process

    @property
    def idle(self) -> bool:
        """Whether it is in memory for nothing."""
        return self.hosts.current is not None and self.gate.idle

    @property
    def state(self) -> str:
        hosts = self.hosts
        if hosts.current is not None:
            return "up"
        if hosts.starting:
            return "down" if hosts.down else "loading"
        return "cold" if hosts.failure is None else "failed"

    # --- what it is -------------------------------------------------------------------------------

    async def about(self) -> Mapping[str, Any]:
        """What the model says of itself: the last process's word counts while its folder is what it
        was, so that those who ask while there is none wait in the queue, where all have their turn.
        """
        known = self.hosts.known()
        return (await self.get()).about if known is None else known

    async def get(self) -> HostProcess:
        """Its process, loaded where there is none. Failure where there cannot be one, or where too
        many wait for it already."""
        if self.hosts.current is not None:
            return self.hosts.current
        if self._waiting >= self.limits.waiting:
            self.counts.refuse("overloaded")
            message = f"{self._waiting} calls wait for this model to be loaded: try again later"
            raise refused(503, "overloaded", message, 5)
        self._waiting += 1
        try:
            return await self.hosts.get()
        finally:
            self._waiting -= 1

    # --- calls ------------------------------------------------------------------------------------

    def take(self, call: Call) -> Work:
        """Admit a call. Failure where it is not."""
        work = Work(call, self, self.limits.room)
        try:
            self._check(work)
            self.gate.enter(work)
        except Failure as failure:
            work.ended = True
            self.counts.refuse(failure.code or str(failure.status))
            raise
        work.wait(self.limits.longest)
        self.used = self.clock()
        self.hosts.want()
        self.pump()
        return work

    def _check(self, work: Work) -> None:
        if self.poison and self.poison.guilty(work.digest):
            raise poisonous()
        self.hosts.check()

    def _isolated(self, work: Work) -> bool:
        return bool(self.poison) and self.poison.isolated(work.digest)

    def _pace(self) -> tuple[float, float]:
        """As its process tells it."""
        told: Mapping[str, Any] = {} if self.hosts.current is None else self.hosts.current.stats
        return float(told.get("step", 0.0)), float(told.get("sample", 0.0))

    def pump(self) -> None:
        """Begin what has room."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while (host := self.hosts.current) and (work := self.gate.next()) is not None:
                work.begin(host)
        finally:
            self._pumping = False

    def over(self, work: Work, finished: bool) -> None:
        self.gate.leave(work, finished)
        self.used = self.clock()
        if finished and self.poison:
            self.poison.finished(work.digest)
        self.hosts.settle()
        self.pump()

    @property
    def works(self) -> list[Work]:
        return [*self.gate.running, *self.gate.queue]

    def end(self, failure: Failure) -> None:
        """All that is under way."""
        for work in self.works:
            work.fail(failure)

    # --- what becomes of processes ----------------------------------------------------------------

    def ready(self) -> None:
        self.used = self.clock()
        self.pump()

    def lost(self, left: list[Listener]) -> None:
        works = [one for one in left if isinstance(one, Work) and not one.ended]
        self.poison.died({one.digest for one in works})
        for work in works:
            work.host = None
            if work.channel.taken == 0 and self.poison.guilty(work.digest):
                work.fail(poisonous())
            else:
                work.crashed(self.gate.again)
        if works and self.hosts.current is None:
            self.hosts.want()
        self.pump()

    def failed(self, failure: Failure) -> None:
        self.end(failure)

    # --- from time to time ------------------------------------------------------------------------

    def sweep(self) -> None:
        """Leave clients that take nothing, end processes that say nothing, unload what is idle."""
        now, limits = self.clock(), self.limits
        for work in list(self.gate.running):
            since = work.channel.since
            if since is not None and now - since > limits.slow:
                work.too_slow()
        for host in self.hosts.all:
            if host.listeners and now - host.heard > limits.silent:
                LOG.error("%s: its engine says nothing: it is ended", self.name)
                host.kill()
        if (
            self.kept
            and self.state == "failed"
            and now - self.hosts.failed_at > limits.backoff_longest
        ):
            self.hosts.want()
        self.gate.forget()

    def overdue(self) -> bool:
        """Whether nobody has asked for it long enough."""
        idle = self.limits.idle
        return not self.kept and idle is not None and self.idle and self.clock() - self.used > idle

    def stats(self) -> ModelStats:
        host = self.hosts.current
        told: dict[str, Any] = {} if host is None else dict(host.stats)
        return ModelStats(
            model=self.name,
            state=self.state,
            queued=len(self.gate.queue),
            running=len(self.gate.running),
            streams=self.gate.streams,
            room=self.limits.room,
            memory=self.memory if host is not None else 0,
            counts=self.counts,
            host=told,
            waiting=self.gate.waiting(),
            working=self.gate.working(),
        )


def poisonous() -> Failure:
    message = "engines ended twice while they worked on this request: it is not tried again"
    return Failure(422, message, code="poison_request")
