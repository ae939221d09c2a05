"""The application: routes put together, errors in one shape, life from start to drain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from genloom.server.engines.supervisor import Supervisor
from genloom.server.failure import Failure
from genloom.server.routes import completions, models
from genloom.server.service import Service
from genloom.server.settings import Settings

ROUTES = (models.router, completions.router)


def make_app(settings: Settings) -> FastAPI:
    """A server's application."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        engines = Supervisor()
        app.state.service = Service(settings=settings, engines=engines)
        yield
        await engines.close()

    app = FastAPI(title="Genloom", lifespan=life)
    for router in ROUTES:
        app.include_router(router)
    app.add_exception_handler(Failure, _failed)
    return app


async def _failed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Failure)
    return JSONResponse(error.body(), error.status, error.headers)
