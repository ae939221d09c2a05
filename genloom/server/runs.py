"""Work that goes on after its request was answered: followed, cancelled, and ended with the server.

Knows tasks, their owners and the events they have told so far; not what they make or where it is
kept. Everything is in memory: what has to outlive the server is stored by the work itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from genloom.server.failure import Failure
from genloom.server.sse import Pieces

MOST, MOST_OF_ONE = 256, 32  # runs of all owners, and of one
_log = logging.getLogger(__name__)


class Run:
    """One piece of work. log: its events, in the order of their numbers from 0 on; state: what
    it has made so far, for those who ask."""

    def __init__(self, owner: str, id: str, first: Sequence[bytes]) -> None:
        self.owner, self.id = owner, id
        self.log: list[bytes] = list(first)
        self.over = self.cancelled = False
        self._more = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None
        self.state: Callable[[], Any] = dict

    def tell(self, *events: bytes) -> None:
        self.log += events
        self._ring()

    def end(self) -> None:
        self.over = True
        self._ring()

    def _ring(self) -> None:
        self._more.set()
        self._more = asyncio.Event()

    async def follow(self, first: int = 0) -> Pieces:
        """The events from this number on, to the end; who leaves ends nothing."""
        while True:
            fresh, first = self.log[first:], max(first, len(self.log))
            for piece in fresh:
                yield piece
            if self.over and first >= len(self.log):
                return
            if first >= len(self.log):
                await self._more.wait()

    async def cancel(self) -> None:
        """When this returns it has ended, one way or another."""
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


class Runs:
    """All that goes on."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Run] = {}

    def find(self, owner: str, id: str) -> Run | None:
        return self._open.get((owner, id))

    def check(self, owner: str) -> None:
        """Failure where no more can be taken."""
        if sum(whose == owner for whose, _ in self._open) >= MOST_OF_ONE:
            raise Failure(429, f"{MOST_OF_ONE} are made in the background already: wait for one")
        if len(self._open) >= MOST:
            raise Failure(503, "too much is made in the background already: try later")

    def start(
        self,
        owner: str,
        id: str,
        first: Sequence[bytes],
        work: Callable[[Run], Coroutine[Any, Any, Any]],
    ) -> Run:
        """The work as a task of its own; first: events that are told before it."""
        run = Run(owner, id, first)
        self._open[owner, id] = run
        run.task = asyncio.create_task(work(run))
        run.task.add_done_callback(lambda task: self._ended(run, task))
        return run

    def _ended(self, run: Run, task: asyncio.Task[Any]) -> None:
        run.end()
        del self._open[run.owner, run.id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("work in the background failed", exc_info=error)

    async def close(self, seconds: float) -> None:
        """Wait for what goes on, so long; then end it."""
        tasks = [run.task for run in self._open.values() if run.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
