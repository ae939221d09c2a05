"""The application: routes and layers put together, and its life from start to drain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Route

from genloom import store
from genloom.server.datasets.datasets import Datasets
from genloom.server.engines.supervisor import Supervisor
from genloom.server.failure import Failure
from genloom.server.handlers import add_handlers
from genloom.server.jobs.opening import open_jobs
from genloom.server.keyring import Keyring
from genloom.server.layers.answering import Answering
from genloom.server.layers.audit import Audited
from genloom.server.layers.gate import Gate
from genloom.server.layers.idempotency import Idempotent
from genloom.server.layers.receiving import Receiving
from genloom.server.layers.shedding import Shedding, watched
from genloom.server.life import Life
from genloom.server.log_lines import LogLines
from genloom.server.measures import Measures
from genloom.server.metering import Metered
from genloom.server.preparing import Preparing
from genloom.server.records.records import Records, open_records
from genloom.server.routes import (
    admin,
    admin_jobs,
    admin_watch,
    assets,
    assets_trust,
    audio,
    batches,
    chat,
    chat_stored,
    chats,
    chats_turns,
    completions,
    conversations,
    datasets,
    docs,
    embeddings,
    files,
    fine_tuning,
    generate,
    health,
    images,
    media,
    metrics,
    models,
    moderations,
    plans,
    provenance,
    reports,
    rerank,
    responses,
    trainings,
    transcriptions,
    transfers,
    uploads,
    voices,
)
from genloom.server.routes.responses_again import looking
from genloom.server.runs import Runs
from genloom.server.service import Service
from genloom.server.settings import Settings
from genloom.server.threads import in_thread
from genloom.server.verifying import Verifying

ROUTES = (
    health.router,
    metrics.router,
    docs.router,
    models.router,
    admin.router,
    admin_jobs.router,
    admin_watch.router,
    completions.router,
    chat.router,
    chat_stored.router,
    chats.router,
    chats_turns.router,
    responses.router,
    conversations.router,
    embeddings.router,
    rerank.router,
    images.router,
    media.router,
    generate.router,
    assets.router,
    assets_trust.router,
    files.router,
    batches.router,
    fine_tuning.router,
    datasets.router,
    plans.router,
    trainings.router,
    uploads.router,
    transfers.router,
    audio.router,
    transcriptions.router,
    voices.router,
    moderations.router,
    provenance.router,
    reports.router,
)
# What is asked most is looked for first.
FIRST = completions.router, chat.router, responses.router, embeddings.router, images.router
SWEEP = 60.0  # seconds between two sweeps of what has expired
ABOUT = "Every medium in the shape of OpenAI's API."


def make_app(settings: Settings, pages: Sequence[Route] = ()) -> FastAPI:
    """A server's application; its records are opened when it starts and closed when it ends.
    pages: routes of what is open to everybody, be there keys or not."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        records, lines = await in_thread(open_stores, settings), LogLines()
        try:
            lines.open()
            service = await _service(settings, records, lines)
            app.state.service, app.state.verifying = service, Verifying()
            doing = _sweep(records), looking(service), watched(service)
            beside = [asyncio.create_task(one) for one in doing]
            service.jobs.runner.start()
            try:
                yield
            finally:
                for task in beside:
                    await _ended(task)
                await service.runs.close(settings.jobs.stop_seconds)
                await service.datasets.close()
                await service.jobs.runner.drain(settings.jobs.stop_seconds)
                await service.engines.drain(0)
                await app.state.verifying.close()
        finally:
            lines.close()
            await in_thread(records.close)

    app = FastAPI(
        title="Genloom",
        description=ABOUT,
        version=_version(),
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(Answering),
            Middleware(Shedding),
            Middleware(Gate, settings=settings, pages=frozenset(page.path for page in pages)),
            Middleware(Audited),
            Middleware(Receiving, limits=settings.limits),
            Middleware(Idempotent),
        ],
    )
    app.router.routes.extend(pages)
    return _routed(app)


def _version() -> str:
    try:
        return version("genloom")
    except PackageNotFoundError:
        return "unknown"


def _routed(app: FastAPI) -> FastAPI:
    for router in (*FIRST, *(one for one in ROUTES if one not in FIRST)):
        app.include_router(router)
    add_handlers(app)
    return app


def open_stores(settings: Settings) -> Records:
    most = settings.limits.owner_bytes
    return open_records(data_folder(settings), settings.database, owner_bytes=most)


def data_folder(settings: Settings) -> Path:
    return settings.data or store.home() / "server"


async def _service(settings: Settings, records: Records, lines: LogLines) -> Service:
    life = Life()
    measures = Measures(life)
    models = Supervisor.of(settings)
    models.open()
    engines = Metered(models, records)
    measures.watch(engines)
    told = "turns at the database of records that were waited for in vain"
    measures.count("genloom_records_busy", told, lambda: records.database.refused)
    inside = _routed(FastAPI(openapi_url=None))  # for what jobs ask: they are let in already
    jobs = await in_thread(
        open_jobs, records, engines, data_folder(settings), inside, settings.jobs
    )
    inside.state.service = service = Service(
        settings=settings,
        engines=engines,
        records=records,
        jobs=jobs,
        datasets=Datasets(
            records, data_folder(settings), settings.places, Preparing(models.nursery)
        ),
        keyring=Keyring(records, settings.host),
        life=life,
        measures=measures,
        runs=Runs(),
        lines=lines,
    )
    return service


async def _sweep(records: Records) -> None:
    while True:
        await asyncio.sleep(SWEEP)
        try:
            await in_thread(records.sweep)
        except Failure as error:
            logging.getLogger("genloom").warning("the sweep waits: %s", error)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
