"""What assets and files share: a row of an owner that refers to bytes on disk and may expire."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Table, delete, insert, select

from genloom.server.records.blobs import Blobs, Draft
from genloom.server.records.database import Database
from genloom.server.records.holdings import held, hold, let_go
from genloom.server.records.ids import is_id, new_id
from genloom.server.records.rows import Page, alive, of_owner, one, page_of, paged, read
from genloom.server.records.trouble import missing


class Item(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Item)


class Kept(Generic[T]):
    """Subclasses name the table, the dataclass of a row, the word for it and the ids' prefix.

    quota: bytes that one owner may hold in all; Failure 429 where it would be more."""

    table: ClassVar[Table]
    kind: ClassVar[Any]
    what: ClassVar[str]
    prefix: ClassVar[str]

    def __init__(self, database: Database, blobs: Blobs, quota: int | None = None) -> None:
        self._database, self._blobs, self._quota = database, blobs, quota

    def keep(self, draft: Draft, *, owner: str, **values: Any) -> T:
        """Store a finished draft. When this returns, bytes and row are on disk."""
        with self._blobs.settled(draft), self._database.writing() as connection:
            return self.add(connection, draft, owner=owner, **values)

    def add(self, connection: Connection, draft: Draft, *, owner: str, **values: Any) -> T:
        """The same inside a transaction."""
        own = {"id": new_id(self.prefix), "owner": owner, "created": time.time()}
        row = {**values, **own, "sha256": draft.sha256, "bytes": draft.bytes}
        hold(connection, owner, draft.bytes, self._quota)
        self._blobs.refer(connection, draft)
        connection.execute(insert(self.table).values(**row))
        made: T = self.kind(**{f.name: row[f.name] for f in fields(self.kind) if f.name in row})
        return made

    def get(self, id: str, owner: str | None) -> T:
        """owner None: whosever it is."""
        with self._database.reading() as connection:
            query = of_owner(self.table, id, owner).where(alive(self.table, time.time()))
            found: T = read(self.kind, one(connection, query, self.what, id))
        return found

    def listed(self, owner: str, page: Page, **only: Any) -> tuple[list[T], bool]:
        """A page of what is the owner's, and whether more comes behind it."""
        query = select(self.table).where(self.table.c.owner == owner)
        query = query.where(alive(self.table, time.time())).filter_by(**only)
        with self._database.reading() as connection:
            rows, more = paged(connection, query, self.table, page)
        return page_of(self.kind, rows), more

    def held(self, owner: str) -> int:
        """Bytes that the owner has stored, of every kind."""
        with self._database.reading() as connection:
            return held(connection, owner)

    def path(self, sha256: str) -> Path:
        """Where the bytes are."""
        return self._blobs.path(sha256)

    def remove(self, id: str, owner: str | None) -> None:
        """The row at once; the bytes with the last row that refers to them."""
        gone = delete(self.table).where(self.table.c.id == id)
        if owner is not None:
            gone = gone.where(self.table.c.owner == owner)
        gone = gone.returning(self.table.c.owner, self.table.c.sha256, self.table.c.bytes)
        with self._database.writing() as connection:
            row = connection.execute(gone).first() if is_id(id) else None
            if row is None:
                raise missing(self.what, id)
            let_go(connection, row.owner, row.bytes)
            self._blobs.release(connection, row.sha256)
        self._blobs.drop(row.sha256)

    def expired(self, now: float, most: int) -> list[str]:
        """Ids whose time is over."""
        query = select(self.table.c.id).where(self.table.c.expires <= now).limit(most)
        with self._database.reading() as connection:
            return list(connection.scalars(query))
