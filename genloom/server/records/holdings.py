"""How many bytes each owner has stored: added and checked against the quota in one statement."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from genloom.server.failure import Failure
from genloom.server.records.tables import HOLDINGS
from genloom.server.records.upsert import upsert


def hold(connection: Connection, owner: str, bytes: int, quota: int | None) -> None:
    """Add bytes to what the owner holds; Failure 429 where that is more than the quota."""
    refused = quota is not None and bytes > quota
    if not refused:
        statement = upsert(
            connection,
            HOLDINGS,
            {"owner": owner, "bytes": bytes},
            ("owner",),
            lambda old: {"bytes": old.bytes + bytes},
            None if quota is None else lambda old: old.bytes + bytes <= quota,
        )
        refused = connection.execute(statement).first() is None
    if refused:
        have = held(connection, owner)
        raise Failure(
            429,
            f"{bytes} bytes more than the {have} stored would be over the quota of {quota}",
            type="insufficient_quota",
            code="storage_quota_exceeded",
        )


def let_go(connection: Connection, owner: str, bytes: int) -> None:
    mine = HOLDINGS.c.owner == owner
    connection.execute(update(HOLDINGS).where(mine).values(bytes=HOLDINGS.c.bytes - bytes))


def held(connection: Connection, owner: str) -> int:
    query = select(HOLDINGS.c.bytes).where(HOLDINGS.c.owner == owner)
    return int(connection.scalar(query) or 0)
