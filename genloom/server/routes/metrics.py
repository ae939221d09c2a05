"""/metrics: numbers in Prometheus's text format."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from genloom.server.service import Service, service_of

router = APIRouter(tags=["server"])


@router.get("/metrics", response_class=Response)
async def metrics(service: Service = Depends(service_of)) -> Response:  # noqa: B008
    return Response(service.measures.text(), media_type=CONTENT_TYPE_LATEST)
