"""The loop that does jobs: takes what is queued, fair by owner, within limits, and ends it.

Survives: what a dead server had in progress is taken over; at a drain jobs go back to the queue as
they stand. Knows kinds by their table alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import Any

from genloom.server.failure import Failure
from genloom.server.jobs.alive import Alive
from genloom.server.jobs.claims import ASKED, DEATHS, Lost, Outline
from genloom.server.jobs.kinds import KINDS, name_of
from genloom.server.jobs.work import Stop, Tools, Work
from genloom.server.records.jobs import LIVE, Job
from genloom.server.threads import in_thread

STOPPED = {"cancel": "cancelled", "pause": "paused", "drain": "queued"}
LOOK = 2.0  # seconds between two looks for what other servers have queued or left

_log = logging.getLogger("genloom.jobs")


class Runner:
    """All jobs of this server, from `start` to `drain`."""

    def __init__(self, tools: Tools, alive: Alive) -> None:
        self.tools, self.alive = tools, alive
        self.running: dict[str, tuple[Work, asyncio.Task[None]]] = {}
        self.draining = False
        self._wake, self._drained = asyncio.Event(), asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._loops = [asyncio.create_task(self._look()), asyncio.create_task(self._beat())]

    def wake(self) -> None:
        """Something is queued, or asked of a job in progress."""
        self._wake.set()

    async def drain(self, seconds: float) -> None:
        """Take nothing more; what is in progress stops where it stands and is queued again."""
        if self.draining:
            await self._drained.wait()
            return
        self.draining = True
        for work, _ in self.running.values():
            work.stop("drain")
        tasks = [task for _, task in self.running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in [*tasks, *self._loops]:
            task.cancel()
        await asyncio.gather(*tasks, *self._loops, return_exceptions=True)
        await in_thread(self.alive.close)
        self._drained.set()

    # --- taking -----------------------------------------------------------------------------------

    async def _look(self) -> None:
        while not self.draining:  # a cancellation that comes with a wake is lost (Python < 3.12)
            try:
                await self._take_what_can_be()
                await self._heed()
            except Failure as error:  # the records cannot be reached: later
                _log.warning("jobs wait: %s", error.message)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK)
            self._wake.clear()

    async def _take_what_can_be(self) -> None:
        live = await in_thread(self.tools.claims.outlines, LIVE)
        left = [job for job in live if await self._left(job)]
        for job in [*left, *_fair([job for job in live if job.status == "queued"], live)]:
            if self.draining:
                return
            if self._room(job.kind) and (found := await in_thread(self.tools.claims.take, job)):
                await self._begin(found, died=job.status == "in_progress")

    async def _left(self, job: Outline) -> bool:
        """Whether the server that has it in progress is dead, or this one could not end it."""
        if job.status != "in_progress" or job.id in self.running:
            return False
        return job.holder == self.alive.me or not await in_thread(
            self.alive.lives, job.holder or ""
        )

    def _room(self, kind: str) -> bool:
        name = name_of(kind)
        if name not in KINDS:
            return False
        have = sum(name_of(work.job.kind) == name for work, _ in self.running.values())
        return have < KINDS[name].at_once(self.tools.limits)

    async def _begin(self, job: Job, died: bool) -> None:
        work = Work(job, self.tools)
        if died:
            await work.note("taken up again: its server is gone", level="warn")
        if reason := job.given.get(ASKED):
            work.stop(reason)
        task = asyncio.create_task(self._run(work))
        self.running[job.id] = (work, task)
        task.add_done_callback(lambda _: self.running.pop(job.id, None))
        task.add_done_callback(lambda _: self.wake())

    # --- doing ------------------------------------------------------------------------------------

    async def _run(self, work: Work) -> None:
        try:
            if work.given.get(DEATHS, 0) >= self.tools.limits.deaths:
                raise Failure(
                    500, "servers died under this job: it is not tried again", code="died"
                )
            await KINDS[name_of(work.job.kind)].run(work)
            await self._end(work, "completed", progress=100.0)
        except Stop as stop:
            await self._stopped(work, stop.reason)
        except Lost:
            _log.warning("the job %s was taken over by another server", work.job.id)
        except Failure as error:
            if self.draining and error.status == 503:
                await self._stopped(work, "drain")
            else:
                await self._end(work, "failed", error=error.body()["error"])
        except asyncio.CancelledError:
            await asyncio.shield(self._stopped(work, "drain"))
            raise
        except Exception:
            _log.exception("the job %s failed", work.job.id)
            told = Failure(500, "the server failed in this job", code="internal_error")
            await self._end(work, "failed", error=told.body()["error"])

    async def _stopped(self, work: Work, reason: str) -> None:
        if reason in STOPPED:
            await self._end(work, STOPPED[reason])

    async def _end(self, work: Work, status: str, **changes: Any) -> None:
        with suppress(Lost):
            work.job = await in_thread(self.tools.claims.end, work.job.id, status, **changes)

    # --- heeding ----------------------------------------------------------------------------------

    async def _heed(self) -> None:
        """Stop what was asked to stop, or is not this server's any more."""
        if not self.running:
            return
        mine = {job.id: job.given for job in await in_thread(self.tools.claims.mine)}
        for id, (work, _) in list(self.running.items()):
            if id not in mine:
                work.stop("lost")  # or it has just ended
            elif asked := mine[id].get(ASKED):
                work.stop(asked)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.tools.limits.lease / 4)
            with suppress(Failure):
                await in_thread(self.alive.beat)


def _fair(queued: list[Outline], live: list[Outline]) -> list[Outline]:
    """Each owner's oldest first, those before others who have less under way of the same kind."""
    has = Counter((j.owner, name_of(j.kind)) for j in live if j.status == "in_progress")
    turns = []
    for job in queued:  # oldest first
        whose = (job.owner, name_of(job.kind))
        turns.append((has[whose], job.created, job.id, job))
        has[whose] += 1
    return [turn[-1] for turn in sorted(turns, key=lambda turn: turn[:3])]
