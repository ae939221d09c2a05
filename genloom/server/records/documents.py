"""JSON values by kind and id: stored responses, chats, conversations. Knows no kind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.ids import is_id
from genloom.server.records.rows import Page, alive, of_owner, one, page_of, paged, read
from genloom.server.records.tables import DOCUMENTS
from genloom.server.records.trouble import missing


@dataclass(frozen=True, kw_only=True)
class Document:
    kind: str
    id: str
    owner: str
    value: Any
    created: float
    changed: float
    expires: float | None = None


class Documents:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self, kind: str, id: str, value: Any, *, owner: str, expires: float | None = None
    ) -> Document:
        """A new document; when this returns it is on disk. Failure 409 where the id is taken."""
        now = time.time()
        made = Document(
            kind=kind,
            id=id,
            owner=owner,
            value=value,
            created=now,
            changed=now,
            expires=expires,
        )
        try:
            with self._database.writing() as connection:
                connection.execute(insert(DOCUMENTS).values(**vars(made)))
        except IntegrityError:
            raise Failure(409, f"there is a {kind} {id!r} already", code="conflict") from None
        return made

    def get(self, kind: str, id: str, owner: str) -> Document:
        with self._database.reading() as connection:
            return read(Document, one(connection, _living(kind, id, owner), kind, id))

    def change(self, kind: str, id: str, owner: str, how: Callable[[Any], Any]) -> Document:
        """Set the value to `how(value)`; nobody else's change falls in between."""
        with self._database.writing() as connection:
            query = _living(kind, id, owner).with_for_update()
            found = read(Document, one(connection, query, kind, id))
            values = {"value": how(found.value), "changed": time.time()}
            same = (DOCUMENTS.c.kind == kind) & (DOCUMENTS.c.id == id)
            connection.execute(update(DOCUMENTS).where(same).values(**values))
        return replace(found, **values)

    def listed(self, kind: str, owner: str, page: Page) -> tuple[list[Document], bool]:
        """A page of the owner's documents of this kind, and whether more come."""
        query = select(DOCUMENTS).where(DOCUMENTS.c.kind == kind, DOCUMENTS.c.owner == owner)
        query = query.where(alive(DOCUMENTS, time.time()))
        with self._database.reading() as connection:
            rows, more = paged(connection, query, DOCUMENTS, page)
        return page_of(Document, rows), more

    def count(self, kind: str, owner: str) -> int:
        query = select(func.count()).select_from(DOCUMENTS)
        query = query.where(DOCUMENTS.c.kind == kind, DOCUMENTS.c.owner == owner)
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def remove(self, kind: str, id: str, owner: str) -> None:
        mine = DOCUMENTS.c.kind == kind, DOCUMENTS.c.id == id, DOCUMENTS.c.owner == owner
        with self._database.writing() as connection:
            if not (is_id(id) and connection.execute(delete(DOCUMENTS).where(*mine)).rowcount):
                raise missing(kind, id)

    def sweep(self, now: float) -> int:
        """Remove what has expired; how many."""
        with self._database.writing() as connection:
            return connection.execute(delete(DOCUMENTS).where(DOCUMENTS.c.expires <= now)).rowcount


def _living(kind: str, id: str, owner: str) -> Any:
    query = of_owner(DOCUMENTS, id, owner).where(DOCUMENTS.c.kind == kind)
    return query.where(alive(DOCUMENTS, time.time()))
