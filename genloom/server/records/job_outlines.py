"""Jobs of everybody, for those who look after a server: how each stands, not what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from genloom.server.records.database import Database
from genloom.server.records.rows import Page, page_of, paged
from genloom.server.records.tables import JOBS


@dataclass(frozen=True, kw_only=True)
class JobOutline:
    """A job without what was asked and made: nobody's prompt is another's to read."""

    id: str
    kind: str
    owner: str
    status: str
    progress: float
    model: str | None
    error: Mapping[str, Any] | None
    holder: str | None
    events: int
    created: float
    started: float | None
    ended: float | None


def all_jobs(database: Database, page: Page, **only: Any) -> tuple[list[JobOutline], bool]:
    """A page of jobs (only: kind="batch", status="queued" ...), and whether more come."""
    columns = [JOBS.c[name] for name in JobOutline.__dataclass_fields__]
    query: Any = select(*columns).filter_by(**only)
    with database.reading() as connection:
        rows, more = paged(connection, query, JOBS, page)
    return page_of(JobOutline, rows), more


def counts(database: Database) -> dict[str, int]:
    """How many jobs stand how."""
    query = select(JOBS.c.status, func.count()).group_by(JOBS.c.status)
    with database.reading() as connection:
        return {status: int(count) for status, count in connection.execute(query)}
