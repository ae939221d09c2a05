"""/v1/models: which models are offered."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from genloom import store
from genloom.server.service import Service, service_of

router = APIRouter()


@router.get("/v1/models")
async def listed(service: Service = Depends(service_of)) -> dict[str, Any]:  # noqa: B008
    names = service.settings.models or tuple(path.name for path in store.listed())
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "genloom"} for name in names]
    return {"object": "list", "data": data}
