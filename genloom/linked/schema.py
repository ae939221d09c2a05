"""How tables hang together: keys, links, times, and the order in which rows can be drawn.

A value, read from our own JSON or from SDV metadata of several tables. Knows no frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genloom.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class Link:
    """Each value of `column` is a key of `parent`."""

    column: str
    parent: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """key: the column that names its rows, None where nothing refers to them. time: the column that
    orders the rows of one owner. links: the first one is to the owner, which says how many rows
    there are; the others choose among rows that are there."""

    name: str
    key: str | None = None
    time: str | None = None
    links: tuple[Link, ...] = ()

    @property
    def owner(self) -> Link | None:
        return self.links[0] if self.links else None


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Tables, parents before children."""

    tables: tuple[Table, ...]

    def __getitem__(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.tables)

    def children(self, parent: str) -> list[tuple[Table, Link]]:
        """Every link to a table."""
        return [(t, link) for t in self.tables for link in t.links if link.parent == parent]

    def without(self, places: Iterable[str]) -> Schema:
        """With the links TABLE.COLUMN left out."""
        gone = set(places)
        known = {f"{t.name}.{link.column}" for t in self.tables for link in t.links}
        if strange := sorted(gone - known):
            raise UsageError(
                f"{strange[0]} is no link: choose {', '.join(sorted(known)) or 'none'}"
            )
        return Schema(
            tables=tuple(
                replace(t, links=tuple(k for k in t.links if f"{t.name}.{k.column}" not in gone))
                for t in self.tables
            )
        )

    def to_json(self) -> dict[str, Any]:
        return {"tables": [asdict(table) for table in self.tables]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Schema:
        tables = []
        for one in values["tables"]:
            known: dict[str, Any] = dict(one)
            known["links"] = tuple(Link(**link) for link in one["links"])
            tables.append(Table(**known))
        return cls(tables=tuple(tables))


def ordered(tables: Iterable[Table]) -> Schema:
    """Parents before children. DataError that names the cycle where there is no such order."""
    left = {table.name: table for table in tables}
    out: list[Table] = []
    while left:
        ready = [t for t in left.values() if not any(link.parent in left for link in t.links)]
        if not ready:
            raise DataError(_cycle(left))
        out += ready
        for table in ready:
            del left[table.name]
    return Schema(tables=tuple(out))


def _cycle(left: Mapping[str, Table]) -> str:
    """Walk links until a table comes again."""
    name = next(iter(left))
    path: list[tuple[str, str]] = []
    while name not in [table for table, _ in path]:
        link = next(k for k in left[name].links if k.parent in left)
        path.append((name, link.column))
        name = link.parent
    path = path[[table for table, _ in path].index(name) :]
    told = " -> ".join(f"{table}.{column}" for table, column in path)
    first = f"{path[-1][0]}.{path[-1][1]}"
    return (
        f"the tables refer to each other in a circle, {told} -> {name}: leave one link out with "
        f"--without {first}"
    )


# --- files ----------------------------------------------------------------------------------------


def read_schema(path: Path) -> tuple[Table, ...]:
    """The tables of a JSON file: {"tables": {"orders": {"key": "id", "time": "date", "links":
    {"customer_id": "customers"}}}}, or SDV metadata of several tables. UsageError otherwise."""
    try:
        values = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give a schema in JSON") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON ({error}): give a schema in JSON") from error
    try:
        named = dict(values["tables"])
        if any("columns" in dict(one) for one in named.values()) or "relationships" in values:
            return _of_sdv(named, values.get("relationships", []))
        return tuple(_of_ours(name, dict(one)) for name, one in named.items())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path} describes no linked tables ({type(error).__name__}: {error}): give "
            '{"tables": {NAME: {"key": COLUMN, "time": COLUMN, "links": {COLUMN: TABLE}}}} or SDV '
            "metadata of several tables"
        ) from None


def _of_ours(name: str, told: dict[str, Any]) -> Table:
    strange = set(told) - {"key", "time", "links"}
    if strange:
        raise ValueError(f"table {name!r} has the key {sorted(strange)[0]!r}")
    links = [Link(column=c, parent=p) for c, p in dict(told.get("links") or {}).items()]
    return Table(name=name, key=told.get("key"), time=told.get("time"), links=tuple(links))


def _of_sdv(named: Mapping[str, Any], relations: Iterable[Mapping[str, Any]]) -> tuple[Table, ...]:
    """Metadata as SDV 1 writes it: tables with sdtypes, and relationships."""
    links: dict[str, list[Link]] = {name: [] for name in named}
    for one in relations:
        child, column = one["child_table_name"], one["child_foreign_key"]
        if not isinstance(column, str):
            raise ValueError(f"{child} has a key of several columns, which is not supported")
        links[child].append(Link(column=column, parent=one["parent_table_name"]))
    out = []
    for name, told in named.items():
        time = told.get("sequence_index")
        out.append(
            Table(name=name, key=told.get("primary_key"), time=time, links=tuple(links[name]))
        )
    return tuple(out)
