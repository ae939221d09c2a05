"""The tables that migrations make are the tables that the code speaks of."""

from __future__ import annotations

from sqlalchemy import MetaData

from genloom.server.records.records import Records
from genloom.server.records.tables import META


def test_the_tables_made_are_the_tables_known(records: Records) -> None:
    there = MetaData()
    there.reflect(records.database.engine)
    assert set(there.tables) - {"sqlite_sequence"} == set(META.tables)
    for name, table in META.tables.items():
        made = there.tables[name]
        assert {c.name for c in made.primary_key} == {c.name for c in table.primary_key}
        assert {c.name: c.nullable for c in made.columns} == {
            c.name: c.nullable for c in table.columns
        }
        assert {k.target_fullname for k in made.foreign_keys} == {
            k.target_fullname for k in table.foreign_keys
        }
