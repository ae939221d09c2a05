"""Everything that routes need, in one object that lives as long as the server does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from genloom.server.call import Engines
from genloom.server.datasets.datasets import Datasets
from genloom.server.jobs.jobs import Jobs
from genloom.server.keyring import Keyring
from genloom.server.life import Life
from genloom.server.log_lines import LogLines
from genloom.server.measures import Measures
from genloom.server.records.records import Records
from genloom.server.runs import Runs
from genloom.server.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Service:
    settings: Settings
    engines: Engines
    records: Records
    keyring: Keyring
    jobs: Jobs
    datasets: Datasets
    life: Life
    measures: Measures
    runs: Runs
    lines: LogLines


async def service_of(request: Request) -> Service:
    """FastAPI's dependency; one that is not asynchronous would run in a thread."""
    found: Service = request.app.state.service
    return found


Here = Annotated[Service, Depends(service_of)]
