"""Who changed what: keys, users, models, settings. The database itself refuses to change a line."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from genloom.server.records.database import Database
from genloom.server.records.rows import page_of
from genloom.server.records.tables import AUDIT


@dataclass(frozen=True, kw_only=True)
class Entry:
    """actor: who; action: a word such as key.revoked; subject: the id of what it was done to."""

    number: int
    time: float
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    def note(
        self, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """One line more; when this returns it is on disk. No secret belongs in it."""
        row = {"time": time.time(), "actor": actor, "action": action, "subject": subject}
        with self._database.writing() as connection:
            connection.execute(insert(AUDIT).values(**row, detail=dict(detail or {})))

    def newest(self, limit: int = 100, *, before: int | None = None) -> list[Entry]:
        query = select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(AUDIT.c.number < before)
        with self._database.reading() as connection:
            return page_of(Entry, connection.execute(query).all())
