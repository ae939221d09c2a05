"""Whether tables keep what their schema promises: keys that name one row, links that lead to one.

What does not is refused with a count, or dropped where that is asked. Knows frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from genloom.errors import DataError, UsageError
from genloom.linked.detecting import is_time, kind_of, shown
from genloom.linked.schema import Link, Schema, Table

Orphans = Literal["refuse", "drop"]


def check_names(tables: tuple[Table, ...], frames: Mapping[str, Any]) -> None:
    """UsageError where a schema names a table or column that is not there."""
    known = {table.name for table in tables}
    for table in tables:
        if table.name not in frames:
            raise UsageError(f"no table {table.name}: there are {', '.join(frames)}")
        columns = list(frames[table.name].columns)
        for column in (table.key, table.time, *(link.column for link in table.links)):
            if column is not None and column not in columns:
                told = ", ".join(map(str, columns))
                raise UsageError(f"table {table.name} has no column {column!r}: it has {told}")
        for link in table.links:
            if link.parent not in known:
                raise UsageError(
                    f"{table.name}.{link.column} leads to {link.parent}, which is no table: there "
                    f"are {', '.join(sorted(known))}"
                )
    parents = {link.parent for table in tables for link in table.links}
    for table in tables:
        if table.name in parents and table.key is None:
            raise UsageError(f"table {table.name} is referred to and has no key: name its key")
        if table.time is not None and not is_time(frames[table.name][table.time]):
            raise UsageError(f"{table.name}.{table.time} is to be a time and holds none")


def kept(
    schema: Schema, frames: Mapping[str, Any], orphans: Orphans = "refuse"
) -> tuple[dict[str, Any], list[str]]:
    """The frames without rows that lead nowhere, parents first, and how many were dropped.
    DataError where a key is missing or names two rows, and where orphans are refused."""
    out = dict(frames)
    notes = []
    for table in schema.tables:
        frame = out[table.name]
        if table.key is not None:
            _check_key(table, frame)
        for link in table.links:
            lost = orphans_of(frame, link, out[link.parent], schema[link.parent])
            if not lost.any():
                continue
            count = int(lost.sum())
            told = f"{count:,} of {len(frame):,} rows of {table.name} have a {link.column} that is "
            told += f"no {link.parent}.{schema[link.parent].key}"
            if orphans == "refuse":
                first = frame.loc[lost, link.column].iloc[0]
                raise DataError(
                    f"{told} (such as {shown(first)}): mend them, or drop these rows with "
                    "--orphans drop"
                )
            frame = frame[~lost].reset_index(drop=True)
            notes.append(f"{told}: dropped")
        owner = table.owner
        if owner is not None and (bare := frame[owner.column].isna()).any():
            notes.append(
                f"{int(bare.sum()):,} rows of {table.name} have no {owner.column}: dropped"
            )
            frame = frame[~bare].reset_index(drop=True)
        if not len(frame):
            raise DataError(f"no row of {table.name} is left: its keys do not match")
        out[table.name] = frame
    return out, notes


def orphans_of(frame: Any, link: Link, parent: Any, of: Table) -> Any:
    """bool series, which rows lead to no row."""
    column = frame[link.column]
    one, other = kind_of(column), kind_of(parent[of.key])
    if one is not None and other is not None and one != other:
        raise DataError(
            f"{link.column} holds {one} ({shown(column.dropna().iloc[0])}) and "
            f"{link.parent}.{of.key} "
            f"{other} ({shown(parent[of.key].iloc[0])}): make the keys alike"
        )
    return column.notna() & ~column.isin(parent[of.key])


def _check_key(table: Table, frame: Any) -> None:
    key = frame[table.key]
    if gone := int(key.isna().sum()):
        raise DataError(f"{gone:,} rows of {table.name} have no {table.key}: fill them in")
    again = int(key.duplicated().sum())
    if again:
        first = key[key.duplicated()].iloc[0]
        raise DataError(
            f"the key {table.name}.{table.key} names several rows ({again:,} repeats, such as "
            f"{shown(first)}): remove the repeats, or name another key in a schema"
        )
