"""What routes do with jobs: begin, find, list, cancel, pause, resume, delete.

An answer given here holds whatever happens to this server. Knows no kind of work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from genloom.server.failure import Failure
from genloom.server.jobs.kinds import KINDS, name_of
from genloom.server.jobs.runner import Runner
from genloom.server.jobs.work import KEY
from genloom.server.records.jobs import LIVE, Job, JobEvent
from genloom.server.records.rows import Page
from genloom.server.threads import in_thread


class Jobs:
    """The service's jobs; `runner` does them. kind: of the table in kinds.py, perhaps labelled."""

    def __init__(self, runner: Runner) -> None:
        self.runner, self.tools = runner, runner.tools
        self._store = self.tools.records.jobs
        self._counting = asyncio.Lock()

    async def start(
        self,
        kind: str,
        owner: str,
        given: Mapping[str, Any],
        *,
        key: str = "",
        model: str | None = None,
        prefix: str = "job_",
        expires: float | None = None,
    ) -> Job:
        """A queued job; it is on disk when this returns. key: the caller's, whose rights and quotas
        count while it runs. expires: when it may go, once it is over.
        Failure 429 where this owner has too many, 503 where all have, or while draining."""
        if self.runner.draining:
            raise Failure(503, "this server is about to end", code="draining")
        given = {**given, KEY: key} if key else given
        values = {"owner": owner, "given": given, "model": model, "prefix": prefix}
        expires = expires or self.tools.limits.until()
        async with self._counting:
            await self._refuse_too_many(owner)
            job = await in_thread(self._store.create, kind, expires=expires, **values)
        self.runner.wake()
        return job

    async def _refuse_too_many(self, owner: str) -> None:
        limits, later = self.tools.limits, {"Retry-After": "30"}
        live = await in_thread(self.tools.claims.outlines, LIVE)
        if sum(job.owner == owner for job in live) >= limits.live_per_owner:
            told = f"{limits.live_per_owner} jobs of yours wait or run: let one end, or cancel it"
            raise Failure(429, told, code="too_many_jobs", headers=later)
        if len(live) >= limits.live:
            raise Failure(503, "too many jobs wait: try later", code="overloaded", headers=later)

    async def get(self, id: str, owner: str | None, kind: str | None = None) -> Job:
        return await in_thread(self._store.get, id, owner, kind)

    async def listed(self, owner: str, page: Page, **only: Any) -> tuple[list[Job], bool]:
        """A page of the owner's jobs, only: kind="generation:video" ..., and whether more come."""
        return await in_thread(self._store.listed, owner, page, **only)

    async def events(self, id: str, **which: Any) -> list[JobEvent]:
        """which: after, before, limit, as in the records."""
        return await in_thread(self._store.events, id, **which)

    async def wait(self, id: str, owner: str | None, seconds: float) -> Job:
        """The job as soon as it is over, or as it stands after so long."""
        until = time.monotonic() + seconds
        while not (job := await self.get(id, owner)).over and time.monotonic() < until:
            await asyncio.sleep(0.2)
        return job

    # --- moving -----------------------------------------------------------------------------------

    async def cancel(self, id: str, owner: str | None, kind: str | None = None) -> Job:
        """It ends as cancelled, soon where it is in progress. One that is over stays as it is."""
        return await self._ask(await self.get(id, owner, kind), "cancel", "cancelled")

    async def pause(self, id: str, owner: str | None, kind: str | None = None) -> Job:
        """It stops where it stands, soon where it is in progress. Failure 409 where it is over."""
        job = await self.get(id, owner, kind)
        if not KINDS[name_of(job.kind)].pauses:
            raise Failure(400, "a job of this kind cannot pause: cancel it", code="cannot_pause")
        if job.over:
            raise Failure(409, f"the job is {job.status}: it cannot pause", code="job_state")
        return await self._ask(job, "pause", "paused")

    async def _ask(self, job: Job, what: str, status: str) -> Job:
        while not (job.over or job.status == status):
            if job.status == "in_progress":
                step = self.tools.claims.ask, what, job.status, job.status
            else:
                step = self.tools.claims.ask, None, job.status, status
            found = await in_thread(step[0], job.id, *step[1:])
            self.runner.wake()
            if found is not None:
                return found
            job = await self.get(job.id, None)  # it was taken up, or ended, between two looks
        return job

    async def resume(self, id: str, owner: str | None, kind: str | None = None) -> Job:
        """A paused job waits for its turn again; so does one that was cancelled, where its kind can
        pause. Failure 409 where it is neither."""
        job = await self.get(id, owner, kind)
        found = None
        if KINDS[name_of(job.kind)].pauses and job.status in ("paused", "cancelled"):
            found = await in_thread(self.tools.claims.ask, job.id, None, job.status, "queued")
        if found is None:
            raise Failure(409, f"the job is {job.status}: it cannot go on", code="job_state")
        self.runner.wake()
        return found

    async def remove(self, id: str, owner: str | None, kind: str | None = None) -> None:
        """The job, cancelled if need be, its events and what it left. 404 the second time."""
        job = await self.cancel(id, owner, kind)
        job = job if job.over else await self.wait(id, owner, self.tools.limits.stop_seconds)
        await in_thread(self._store.remove, job.id, None)
        await KINDS[name_of(job.kind)].dropped(job, self.tools)
