"""Which database the servers of the tests keep their records in: SQLite, unless RECORDS=postgresql
asks for PostgreSQL; then each folder of data has a database of its own there.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from genloom.server.records.records import Records, open_records

ASKED = os.environ.get("RECORDS", "") == "postgresql"
_numbers = itertools.count()
_made: dict[Path, str] = {}
_server = ""


def use(postgres: str) -> None:
    """From now on, of this server."""
    global _server
    _server = postgres


def fresh(postgres: str) -> str:
    """The URL of a new, empty database."""
    import psycopg

    name = f"records_{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.rsplit("/", 1)[0] + f"/{name}"


def of(data: Path) -> str:
    """The URL for a server's folder of data, always the same; empty for SQLite."""
    if _server and data not in _made:
        _made[data] = fresh(_server)
    return _made.get(data, "")


def opened(data: Path) -> Records:
    """The records of the server of this folder."""
    return open_records(data, of(data))
