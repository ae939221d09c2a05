"""What is stored, of everybody: bytes by owner, how many assets and files, and blobs on disk."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, func, select

from genloom.server.records.database import Database
from genloom.server.records.tables import ASSETS, BLOBS, FILES, HOLDINGS

KEPT = {"assets": ASSETS, "files": FILES}


def stored(database: Database) -> dict[str, Any]:
    """owners: the largest first; bytes held count each owner's own, blobs those on disk, which
    equal things share."""
    with database.reading() as connection:
        counts = {name: _counted(connection, table) for name, table in KEPT.items()}
        held = connection.execute(select(HOLDINGS).order_by(HOLDINGS.c.bytes.desc())).all()
        blobs, size = connection.execute(select(func.count(), func.sum(BLOBS.c.bytes))).one()
    owners = [
        {"owner": row.owner, "bytes": int(row.bytes)}
        | {name: int(found.get(row.owner, 0)) for name, found in counts.items()}
        for row in held
    ]
    return {"owners": owners, "blobs": int(blobs), "blob_bytes": int(size or 0)}


def _counted(connection: Connection, table: Table) -> dict[str, int]:
    query = select(table.c.owner, func.count()).group_by(table.c.owner)
    return {owner: int(count) for owner, count in connection.execute(query)}
