"""Records on both databases: every test that takes `records` or `database_url` runs twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import psycopg
import pytest

from genloom.server.records.records import Records, open_records

_numbers = itertools.count()


def fresh(postgres: str) -> str:
    """The URL of a new, empty database."""
    name = f"records_{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """An empty PostgreSQL database."""
    return fresh(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Empty for SQLite, or the URL of an empty PostgreSQL database."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def place() -> Iterator[Path]:
    with postgres_server.in_memory() as folder:
        yield folder


@pytest.fixture
def records(place: Path, database_url: str) -> Iterator[Records]:
    opened = open_records(place / "server", database_url)
    yield opened
    opened.close()
