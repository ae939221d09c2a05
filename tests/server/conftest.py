"""What the server's tests share: a PostgreSQL that is started once a session where there is one,
tiny models, and one server that serves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import databases
import openai
import postgres_server
import pytest
import small_server
from small_server import Running

from genloom import store


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server's URL, with the right to make databases."""
    programs = postgres_server.programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: its initdb and postgres were not found")
    with postgres_server.running(programs) as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """An empty PostgreSQL database."""
    return databases.fresh(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Empty for SQLite, or the URL of an empty PostgreSQL database: who takes it runs twice."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture(scope="session", autouse=True)
def kept_in(request: pytest.FixtureRequest) -> None:
    """Where servers keep their records: see `databases`."""
    if databases.ASKED:
        databases.use(request.getfixturevalue("postgres"))


@pytest.fixture(autouse=True)
def at_home(home: Path) -> None:
    """Servers run in threads of this process: models lie in this session's home, whatever another
    test said last."""
    store.set_home(home)


@pytest.fixture(scope="session")
def small_models(home: Path) -> tuple[str, ...]:
    """Names of a model of texts, one of pictures and one of tables, in this session's home."""
    store.set_home(home)
    return small_server.words(home), small_server.sprites(home), small_server.people(home)


@pytest.fixture(scope="session")
def small(
    small_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One server with these models, open to this machine."""
    with small_server.running(tmp_path_factory.mktemp("records"), small_models) as found:
        yield found


@pytest.fixture
def client(small: Running) -> Iterator[openai.OpenAI]:
    """The official library; it does not try again, so that every answer is seen."""
    with openai.OpenAI(base_url=f"{small.url}/v1", api_key="none", max_retries=0) as made:
        yield made
