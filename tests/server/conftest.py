"""What the server's tests share: a PostgreSQL that is started once a session where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import postgres_server
import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server's URL, with the right to make databases."""
    programs = postgres_server.programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: its initdb and postgres were not found")
    with postgres_server.running(programs) as url:
        yield url
