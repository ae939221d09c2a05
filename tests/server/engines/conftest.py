"""A loop, a nursery of hosts and models that the tests of this folder share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_place import write_model

from genloom.server.engines.nursery import Nursery


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="session")
def nursery(runner: asyncio.Runner, home: Path) -> Iterator[Nursery]:
    async def make() -> Nursery:
        return Nursery(home)

    made = runner.run(make())
    yield made
    runner.run(made.close())


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of texts."""
    return write_model(tmp_path_factory.mktemp("models") / "writer")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another, that writes other texts."""
    return write_model(tmp_path_factory.mktemp("models") / "other", seed=1)
