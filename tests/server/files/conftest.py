"""A server without any model, for what needs none, and the official library as its client."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import postgres_server
import pytest
import small_server
from small_server import Running

from genloom.server.settings import Limits


@pytest.fixture(scope="session")
def bare() -> Iterator[Running]:
    """Takes files up to 4 MB, and 12 MB of one owner."""
    limits = Limits(file_bytes=4 << 20, upload_bytes=8 << 20, owner_bytes=12 << 20)
    with (
        postgres_server.in_memory() as folder,
        small_server.running(folder, limits=limits) as found,
    ):
        yield found


@pytest.fixture
def store(bare: Running) -> Iterator[openai.OpenAI]:
    """The official library; what it stored is gone after the test."""
    with openai.OpenAI(base_url=f"{bare.url}/v1", api_key="none", max_retries=0) as made:
        yield made
        for file in made.files.list():
            made.files.delete(file.id)
