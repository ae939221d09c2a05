"""Work that outlives a request, and what happened on its way. Knows no kind of work.

queued -> in_progress -> completed | failed | cancelled; in_progress <-> paused. Every move is one
transaction that asks where the job stands, so that two servers or threads never both make it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.ids import is_id, new_id
from genloom.server.records.rows import Page, of_owner, one, page_of, paged, read
from genloom.server.records.tables import JOB_EVENTS, JOBS
from genloom.server.records.trouble import missing

ENDS = frozenset({"completed", "failed", "cancelled"})
LIVE = frozenset({"queued", "in_progress", "paused"})
CHANGES = frozenset({"progress", "result", "error", "model", "given", "holder", "expires"})


@dataclass(frozen=True, kw_only=True)
class Job:
    """progress: 0 to 100. holder: which server works on it. events: how many there are."""

    id: str
    kind: str
    owner: str
    status: str
    progress: float = 0.0
    model: str | None = None
    given: Mapping[str, Any]
    result: Any = None
    error: Mapping[str, Any] | None = None
    holder: str | None = None
    events: int = 0
    created: float
    started: float | None = None
    ended: float | None = None
    expires: float | None = None

    @property
    def over(self) -> bool:
        return self.status in ENDS


@dataclass(frozen=True, kw_only=True)
class JobEvent:
    """number: 1, 2 ... without a gap within the job."""

    job: str
    number: int
    time: float
    level: str
    type: str
    message: str
    data: Mapping[str, Any] | None = None


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        kind: str,
        *,
        owner: str,
        given: Mapping[str, Any],
        model: str | None = None,
        prefix: str = "job_",
        expires: float | None = None,
    ) -> Job:
        """A queued job; when this returns it is on disk."""
        row: dict[str, Any] = {"id": new_id(prefix), "kind": kind, "owner": owner, "model": model}
        row |= {"given": dict(given), "created": time.time(), "expires": expires}
        start = {"status": "queued", "progress": 0.0, "events": 0}
        with self._database.writing() as connection:
            connection.execute(insert(JOBS).values(**row, **start))
        return Job(**row, status="queued")

    def get(self, id: str, owner: str | None, kind: str | None = None) -> Job:
        """owner None: whosever it is; a job of another kind is not found."""
        query = of_owner(JOBS, id, owner)
        if kind is not None:
            query = query.where(JOBS.c.kind == kind)
        with self._database.reading() as connection:
            return read(Job, one(connection, query, "job", id))

    def listed(self, owner: str, page: Page, **only: Any) -> tuple[list[Job], bool]:
        """A page of the owner's jobs (only: kind="batch", status="queued" ...)."""
        query = select(JOBS).where(JOBS.c.owner == owner).filter_by(**only)
        with self._database.reading() as connection:
            rows, more = paged(connection, query, JOBS, page)
        return page_of(Job, rows), more

    def standing(self, statuses: Collection[str], most: int = 10_000) -> list[Job]:
        """Every owner's jobs that stand so, oldest first: what a server that starts takes up."""
        query = select(JOBS).where(JOBS.c.status.in_(statuses))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(JOBS.c.created, JOBS.c.id).limit(most)).all()
        return page_of(Job, rows)

    def claim(self, kinds: Collection[str], holder: str) -> Job | None:
        """The oldest queued job of these kinds, now in progress and this holder's."""
        oldest = (
            select(JOBS.c.id)
            .where(JOBS.c.status == "queued", JOBS.c.kind.in_(kinds))
            .order_by(JOBS.c.created, JOBS.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._database.writing() as connection:
            id = connection.scalar(oldest)
            if id is None:
                return None
            values = {"status": "in_progress", "holder": holder, "started": time.time()}
            change = update(JOBS).where(JOBS.c.id == id).values(**values).returning(JOBS)
            return read(Job, connection.execute(change).one())

    def move(self, id: str, status: str, *, begin: Collection[str] = LIVE, **changes: Any) -> Job:
        """Bring a job from one of these statuses to another; Failure 409 where it stands elsewhere.

        changes: progress, result, error, model, given, holder, expires."""
        values = {**_known(changes), "status": status}
        if status in ENDS:
            values["ended"] = time.time()
        if status == "in_progress":
            values.setdefault("started", time.time())
        change = update(JOBS).where(JOBS.c.id == id, JOBS.c.status.in_(begin)).values(**values)
        with self._database.writing() as connection:
            row = connection.execute(change.returning(JOBS)).first() if is_id(id) else None
            if row is not None:
                return read(Job, row)
            stands = read(Job, one(connection, of_owner(JOBS, id, None), "job", id)).status
        raise Failure(409, f"the job {id} is {stands}: it cannot become {status}", code="job_state")

    def change(self, id: str, **changes: Any) -> Job:
        """Change what a job tells, whatever its status."""
        statement = update(JOBS).where(JOBS.c.id == id).values(**_known(changes))
        with self._database.writing() as connection:
            row = connection.execute(statement.returning(JOBS)).first() if is_id(id) else None
        if row is None:
            raise missing("job", id)
        return read(Job, row)

    def remove(self, id: str, owner: str | None) -> None:
        """A job that is over, with its events; Failure 409 where it is not."""
        mine = JOBS.c.id == id if owner is None else (JOBS.c.id == id) & (JOBS.c.owner == owner)
        with self._database.writing() as connection:
            job = read(Job, one(connection, select(JOBS).where(mine), "job", id))
            if not job.over:
                raise Failure(409, f"the job {id} is {job.status}: cancel it", code="job_state")
            connection.execute(delete(JOBS).where(mine))

    def note(
        self,
        id: str,
        message: str,
        *,
        type: str = "message",
        level: str = "info",
        data: Mapping[str, Any] | None = None,
    ) -> JobEvent:
        """The next event of a job."""
        count = update(JOBS).where(JOBS.c.id == id).values(events=JOBS.c.events + 1)
        with self._database.writing() as connection:
            number = connection.scalar(count.returning(JOBS.c.events)) if is_id(id) else None
            if number is None:
                raise missing("job", id)
            event = JobEvent(
                job=id,
                number=number,
                time=time.time(),
                level=level,
                type=type,
                message=message,
                data=data,
            )
            connection.execute(insert(JOB_EVENTS).values(**vars(event)))
        return event

    def events(
        self, id: str, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> list[JobEvent]:
        """In order, those behind `after`; or with `before` those in front of it, newest first."""
        number, query = JOB_EVENTS.c.number, select(JOB_EVENTS).where(JOB_EVENTS.c.job == id)
        if before is None:
            query = query.where(number > after).order_by(number)
        else:
            query = query.where(number < before).order_by(number.desc())
        with self._database.reading() as connection:
            return page_of(JobEvent, connection.execute(query.limit(limit)).all())

    def expired(self, now: float, most: int) -> list[str]:
        """Ended jobs whose time is over."""
        over = (JOBS.c.expires <= now) & JOBS.c.status.in_(ENDS)
        with self._database.reading() as connection:
            return list(connection.scalars(select(JOBS.c.id).where(over).limit(most)))


def _known(changes: Mapping[str, Any]) -> dict[str, Any]:
    strange = sorted(set(changes) - CHANGES)
    if strange:
        raise TypeError(f"a job has no {strange[0]!r} to change")
    return dict(changes)
