"""/health, /ready: whether the server is there, and whether it should be sent work."""

from __future__ import annotations

from fastapi import APIRouter

from genloom.server.failure import Failure
from genloom.server.service import Here

router = APIRouter(tags=["server"])


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def health() -> dict[str, str]:
    """The one path that is open to everybody: it tells nothing else."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(service: Here) -> dict[str, str]:
    """503 while the server drains, or a model that should be there is not."""
    if service.life.draining:
        raise Failure(503, "the server is shutting down", code="draining")
    if reasons := service.engines.unready():
        raise Failure(503, "; ".join(reasons), code="not_ready")
    return {"status": "ready"}
