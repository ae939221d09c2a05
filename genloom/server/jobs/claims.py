"""Whose a job is: claimed by one server at a time, taken over from one that is dead.

Every move is one transaction that asks where the job stands, so that of two servers one succeeds.
What is asked of a job in progress, whichever server has it, stands in what it was given.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.jobs import ENDS, LIVE, Job
from genloom.server.records.rows import page_of, read
from genloom.server.records.tables import JOBS

MOST = 10_000
ASKED = "stop_asked"  # in `given`: "cancel" or "pause"
DEATHS = "server_deaths"  # in `given`: how many servers died under it
ENDS_AS = {"cancel": "cancelled", "pause": "paused"}


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A job without what it was given and made."""

    id: str
    kind: str
    owner: str
    status: str
    holder: str | None
    created: float


class Claims:
    """me: this server's id."""

    def __init__(self, database: Database, me: str) -> None:
        self._database, self.me = database, me

    def outlines(self, statuses: Collection[str] = LIVE) -> list[Outline]:
        """Jobs that stand so, oldest first."""
        columns = [JOBS.c[name] for name in Outline.__dataclass_fields__]
        query: Any = select(*columns).where(JOBS.c.status.in_(statuses))
        with self._database.reading() as connection:
            query = query.order_by(JOBS.c.created, JOBS.c.id).limit(MOST)
            return page_of(Outline, connection.execute(query).all())

    def mine(self) -> list[Job]:
        """The jobs that this server works on, as they stand."""
        query = select(JOBS).where(JOBS.c.holder == self.me, JOBS.c.status == "in_progress")
        with self._database.reading() as connection:
            return page_of(Job, connection.execute(query).all())

    def take(self, job: Outline) -> Job | None:
        """The job, in progress and this server's; None where somebody else was faster."""
        same = (JOBS.c.id == job.id) & (JOBS.c.status == job.status)
        held = JOBS.c.holder.is_(None) if job.holder is None else JOBS.c.holder == job.holder
        died = job.status == "in_progress"
        with self._database.writing() as connection:
            row = connection.execute(select(JOBS).where(same, held).with_for_update()).first()
            if row is None:
                return None
            given = {**row.given, DEATHS: row.given.get(DEATHS, 0) + 1} if died else row.given
            values: dict[str, Any] = {"status": "in_progress", "holder": self.me, "given": given}
            values |= {"started": row.started or time.time(), "ended": None}
            change = update(JOBS).where(JOBS.c.id == job.id).values(**values)
            return read(Job, connection.execute(change.returning(JOBS)).one())

    def ask(self, id: str, what: str | None, begin: str, status: str) -> Job | None:
        """Bring it from one status to another, or leave it there, with this asked of it; None where
        it stands elsewhere."""
        with self._database.writing() as connection:
            same = (JOBS.c.id == id) & (JOBS.c.status == begin)
            row = connection.execute(select(JOBS).where(same).with_for_update()).first()
            if row is None:
                return None
            given = _asked(row.given, what)
            change = update(JOBS).where(JOBS.c.id == id).values(given=given, status=status)
            return read(Job, connection.execute(change.returning(JOBS)).one())

    def end(self, id: str, status: str, **values: Any) -> Job:
        """Let go of a job of this server's. One that would wait or pause ends as was asked of it
        meanwhile; `Lost` where it is not this server's any more."""
        with self._database.writing() as connection:
            row = connection.execute(self._mine(id).with_for_update()).first()
            if row is None:
                raise Lost(id)
            asked = row.given.get(ASKED)
            if status == "queued" or (status == "paused" and asked == "cancel"):
                status = ENDS_AS.get(asked, status)
            ended = {"ended": time.time()} if status in ENDS else {}
            values |= {"status": status, "holder": None, "given": _asked(row.given, None), **ended}
            change = update(JOBS).where(JOBS.c.id == id).values(**values)
            return read(Job, connection.execute(change.returning(JOBS)).one())

    def _mine(self, id: str) -> Any:
        mine = (JOBS.c.id == id) & (JOBS.c.holder == self.me)
        return select(JOBS).where(mine, JOBS.c.status == "in_progress")

    def put(self, id: str, **values: Any) -> Job:
        """Change a job of this server's; `Lost` where it is not this server's any more."""
        with self._database.writing() as connection:
            if connection.execute(self._mine(id).with_for_update()).first() is None:
                raise Lost(id)
            change = update(JOBS).where(JOBS.c.id == id).values(**values)
            return read(Job, connection.execute(change.returning(JOBS)).one())


def _asked(given: Mapping[str, Any], what: str | None) -> dict[str, Any]:
    """The same with this asked of the job, or nothing."""
    rest = {k: v for k, v in given.items() if k != ASKED}
    return rest if what is None else {**rest, ASKED: what}


class Lost(Failure):
    """A job that another server has taken over, or that was deleted."""

    def __init__(self, id: str) -> None:
        super().__init__(409, f"the job {id} is not this server's any more", code="job_lost")
