"""One job under way, as the code that does it sees it: what was given, whether to stop, the news.

Everything told is written for this server's job alone: one that was taken over raises `Lost`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI

from genloom.server.call import Engines
from genloom.server.caller import LOCAL, Caller
from genloom.server.jobs.claims import Claims
from genloom.server.jobs.limits import JobLimits
from genloom.server.keyring import caller_of_id
from genloom.server.records.jobs import Job
from genloom.server.records.records import Records
from genloom.server.threads import in_thread

T = TypeVar("T")
KEY = "begun_with"  # in `given`: the id of the key that the job was begun with
OFTEN = 1.0  # seconds between two writes of progress


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What jobs are done with. app: the routes, for requests that a job makes itself; folder: for
    files that are not whole yet."""

    records: Records
    folder: Path
    engines: Engines
    limits: JobLimits
    claims: Claims
    app: FastAPI


class Stop(Exception):
    """Raised in a job that is to stop: reason is cancel, pause, drain or lost."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Work:
    """A job of this server's. given, result: as they stand; keep changes what is to be known."""

    def __init__(self, job: Job, tools: Tools) -> None:
        self.job, self.tools = job, tools
        self.stopping, self.reason = asyncio.Event(), ""
        self._written = 0.0

    @property
    def given(self) -> Mapping[str, Any]:
        return self.job.given

    @property
    def result(self) -> dict[str, Any]:
        """A copy of what was kept last."""
        return dict(self.job.result or {})

    async def caller(self) -> Caller:
        """Who began the job, with what the key may today. Failure 401 where it opens nothing."""
        key = self.job.given.get(KEY)
        return await in_thread(caller_of_id, self.tools.records, key) if key else LOCAL

    # --- stopping ---------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """Ask the job to stop; the first reason counts."""
        self.reason = self.reason or reason
        self.stopping.set()

    def check(self) -> None:
        if self.stopping.is_set():
            raise Stop(self.reason)

    async def unless_stopped(self, doing: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; it is cancelled, and `Stop` raised, when the job is to stop."""
        task, stopped = asyncio.create_task(doing), asyncio.create_task(self.stopping.wait())
        both: set[asyncio.Task[Any]] = {task, stopped}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Stop(self.reason)
            return task.result()
        finally:
            for one in both:
                one.cancel()
            await asyncio.wait(both)

    # --- telling ----------------------------------------------------------------------------------

    async def progress(self, percent: float) -> None:
        """Written once a second at most, so it may be told at every step."""
        now = time.monotonic()
        if now - self._written >= OFTEN and percent > self.job.progress:
            self._written = now
            await self._put(progress=min(99.0, percent))

    async def keep(self, **result: Any) -> None:
        """Have these values in the job's result from now on; on disk when this returns."""
        await self._put(result={**self.result, **result})

    async def note(self, message: str, **more: Any) -> None:
        """The next event; more: type, level, data."""
        await in_thread(self.tools.records.jobs.note, self.job.id, message, **more)

    async def put(self, **values: Any) -> None:
        """Change the job itself, such as its model."""
        await self._put(**values)

    async def _put(self, **values: Any) -> None:
        self.job = await in_thread(self.tools.claims.put, self.job.id, **values)
