"""/v1/models: which models are offered, what each is and can be asked for, and deleting one."""

from __future__ import annotations

import mimetypes
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse

from genloom import store
from genloom.server.access import ForAdmin
from genloom.server.asking import form_of
from genloom.server.cards import card_of, deletable, preview_of
from genloom.server.content import stored_answer
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


@router.get("/v1/models/{model:path}/card")
async def card(model: str, service: Here) -> dict[str, Any]:
    """All that is known of a model: sizes, recipe, data and licences, what was measured of it,
    which models it comes from and which come from it, previews. Nothing is loaded for it."""
    return await in_thread(card_of, Catalogue(service.settings.models), model)


@router.get("/v1/models/{model:path}/previews/{preview}", response_class=FileResponse)
async def preview(model: str, preview: str, request: Request, service: Here) -> FileResponse:
    """A preview as its training left it; the card names them."""
    catalogue = Catalogue(service.settings.models)
    path = await in_thread(preview_of, catalogue, model, preview)
    if path is None:
        raise Failure(404, f"no preview {preview[:80]!r}", code="preview_not_found")
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    stamp = str((await in_thread(path.stat)).st_mtime_ns)
    return await stored_answer(request, path, sha256=stamp, media=media)


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
    if not deletable(folder):
        raise Failure(
            400, "only models in the server's own folder can be deleted", code="not_deletable"
        )
    await service.engines.unload(model)
    await in_thread(store.remove, folder)
    return {"id": model, "object": "model", "deleted": True}
