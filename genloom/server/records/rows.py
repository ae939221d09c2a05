"""What all stores do with rows: find one of an owner, list a page, read into a dataclass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, Table, and_, or_, select

from genloom.server.failure import Failure
from genloom.server.records.ids import is_id
from genloom.server.records.trouble import missing

T = TypeVar("T")
MOST = 10_000


@dataclass(frozen=True, kw_only=True)
class Page:
    """after: the id behind which the page begins; order: by the time of creation."""

    after: str | None = None
    limit: int = 100
    descending: bool = True


def read(kind: type[T], row: Row[Any]) -> T:
    """The dataclass whose fields are columns of the row."""
    named = row._mapping
    return kind(**{f.name: named[f.name] for f in fields(kind)})  # type: ignore[arg-type]


def of_owner(table: Table, id: str, owner: str | None) -> Select[Any]:
    """The row with this id, if it is the owner's; owner None: whosever it is."""
    found = select(table).where(table.c.id == id)
    return found if owner is None else found.where(table.c.owner == owner)


def one(connection: Connection, query: Select[Any], what: str, id: str) -> Row[Any]:
    """The one row of the query; "not found" otherwise."""
    row = connection.execute(query).first() if is_id(id) else None
    if row is None:
        raise missing(what, id)
    return row


def paged(
    connection: Connection, query: Select[Any], table: Table, page: Page
) -> tuple[list[Row[Any]], bool]:
    """A page of the query's rows, and whether more come behind it."""
    created, id = table.c.created, table.c.id
    if page.after is not None:
        known = is_id(page.after)
        found = connection.execute(query.where(id == page.after)).first() if known else None
        if found is None:
            raise Failure(400, f"no item {page.after[:80]!r} to go on from", param="after")
        query = query.where(_behind(table, found, page.descending))
    order = (created.desc(), id.desc()) if page.descending else (created, id)
    count = min(max(page.limit, 1), MOST)
    rows = connection.execute(query.order_by(*order).limit(count + 1)).all()
    return list(rows[:count]), len(rows) > count


def _behind(table: Table, found: Row[Any], descending: bool) -> Any:
    created, id = table.c.created, table.c.id
    at, last = found._mapping["created"], found._mapping["id"]
    if descending:
        return or_(created < at, and_(created == at, id < last))
    return or_(created > at, and_(created == at, id > last))


def alive(table: Table, now: float) -> Any:
    """The condition that a row has not expired."""
    return or_(table.c.expires.is_(None), table.c.expires > now)


def page_of(kind: type[T], rows: Iterable[Row[Any]]) -> list[T]:
    return [read(kind, row) for row in rows]
