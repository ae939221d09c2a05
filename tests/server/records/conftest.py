"""Records on both databases: every test that takes `records` runs twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest

from genloom.server.records.records import Records, open_records


@pytest.fixture
def place() -> Iterator[Path]:
    with postgres_server.in_memory() as folder:
        yield folder


@pytest.fixture
def records(place: Path, database_url: str) -> Iterator[Records]:
    opened = open_records(place / "server", database_url)
    yield opened
    opened.close()
