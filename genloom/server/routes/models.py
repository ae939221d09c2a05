"""/v1/models: which models are offered, what each is and can be asked for, and deleting one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from genloom import store
from genloom.server.access import ForAdmin
from genloom.server.asking import form_of
from genloom.server.engines.catalogue import Catalogue
from genloom.server.failure import Failure
from genloom.server.offered import offered, one
from genloom.server.routes.media_schema import MOST_ITEMS, MOST_ROWS
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(tags=["models"])


@router.get("/v1/models")
async def listed(service: Here) -> dict[str, Any]:
    """Every model, loaded or not; nothing is loaded for it."""
    return {"object": "list", "data": await offered(service)}


@router.get("/v1/models/{model:path}/form")
async def form(model: str, service: Here) -> dict[str, Any]:
    """What this model can be asked for, all of which /v1/generate takes: `prompt` (kind, choices),
    `takes` (files), `needs` (of each list, one), `options` (kind, range, default), the `columns` of
    a table for `where`, and the `most` things of one request. A model that was never served is
    loaded for it."""
    return await form_of(service, model, MOST_ITEMS, MOST_ROWS)


@router.get("/v1/models/{model:path}")
async def told(model: str, service: Here) -> dict[str, Any]:
    return await one(service, model)


@router.delete("/v1/models/{model:path}")
async def delete(
    model: str,
    service: Here,
    caller: ForAdmin,
) -> dict[str, Any]:
    """The model and what its training left, once what it has under way is finished."""
    folder = await in_thread(Catalogue(service.settings.models).folder, model)
    if folder.parent != (store.home() / "models").absolute():
        raise Failure(
            400, "only models in the server's own folder can be deleted", code="not_deletable"
        )
    await service.engines.unload(model)
    await in_thread(store.remove, folder)
    return {"id": model, "object": "model", "deleted": True}
