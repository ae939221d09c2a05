"""A server's jobs, put together. Knows where everything is that jobs are done with."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from genloom.server.call import Engines
from genloom.server.jobs.alive import Alive
from genloom.server.jobs.claims import Claims
from genloom.server.jobs.jobs import Jobs
from genloom.server.jobs.limits import JobLimits
from genloom.server.jobs.runner import Runner
from genloom.server.jobs.work import Tools
from genloom.server.records.records import Records


def open_jobs(
    records: Records, engines: Engines, folder: Path, app: FastAPI, limits: JobLimits
) -> Jobs:
    """folder: where the records are; app: the routes, for requests that jobs make themselves."""
    alive = Alive(folder, records.documents, limits.lease)
    claims = Claims(records.database, alive.me)
    tools = Tools(
        records=records, engines=engines, limits=limits, claims=claims, folder=folder, app=app
    )
    return Jobs(Runner(tools, alive))
