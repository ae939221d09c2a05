"""/metrics: numbers in Prometheus's text format."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from genloom.server.service import Here

router = APIRouter(tags=["server"])


@router.get("/metrics", response_class=Response)
async def metrics(service: Here) -> Response:
    return Response(service.measures.text(), media_type=CONTENT_TYPE_LATEST)
