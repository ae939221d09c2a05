"""One statement that both databases know by different names: insert, or change what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],
    keys: Sequence[str],
    change: Callable[[Any], Mapping[str, Any]] | None,
    where: Callable[[Any], Any] | None = None,
) -> Any:
    """Insert the values, or where the keys are there, set `change(columns)`; None leaves it.

    where: a condition on the row that is there; where it fails nothing happens. The statement
    returns the row that it wrote, or none."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = insert(table).values(**values)
    if change is None:
        return made.on_conflict_do_nothing(index_elements=keys).returning(table)
    condition = None if where is None else where(table.c)
    changed = made.on_conflict_do_update(
        index_elements=keys, set_=dict(change(table.c)), where=condition
    )
    return changed.returning(table)
