"""A server on which trainings are begun, and below which folder data may be named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import small_server
from trainings_place import Asking


@pytest.fixture(scope="session")
def asking(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    data = tmp_path_factory.mktemp("named")
    folder = tmp_path_factory.mktemp("trainings")
    with (
        small_server.running(folder, places=(data,)) as found,
        httpx2.Client(base_url=found.url, timeout=120) as http,
    ):
        yield Asking(http=http, data=data, store=folder)
