"""/v1/assets: finished things, kept with the record of where they come from, each its owner's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import FileResponse, StreamingResponse

from genloom.server.access import Who
from genloom.server.archives import zipped
from genloom.server.content import SHUT, stored_answer
from genloom.server.failure import Failure
from genloom.server.records.trouble import missing
from genloom.server.routes.assets_schema import Marks, Several, Sifted, told
from genloom.server.routes.listing import Paged, listed
from genloom.server.service import Here
from genloom.server.table_files import TABLES, exported
from genloom.server.threads import in_thread
from genloom.server.thumbnails import EDGES, thumbnail

router = APIRouter(prefix="/v1/assets", tags=["assets"])
KEPT = {"cache-control": "private, max-age=86400, immutable", "vary": "authorization"}


@router.get("")
async def list_(
    paging: Paged,
    sifted: Sifted,
    caller: Who,
    service: Here,
    skip: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    upto: Annotated[str | None, Query(max_length=128)] = None,
) -> dict[str, Any]:
    """Those that are sought, the newest first, and how many there are in all. With upto (an id, as
    a rule the first of the first page) nothing newer is counted, so that skip=100, 200 ... are
    pages of one list while more is made."""
    found, more, total = await in_thread(
        service.records.assets.sought,
        caller.owner,
        sifted.sought(),
        paging.page(),
        skip=skip,
        upto=upto,
    )
    return {**listed([told(asset) for asset in found], more), "total": total}


@router.get("/facets")
async def facets(
    sifted: Sifted,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    """What those that are sought consist of: counts by model and by media type."""
    found = await in_thread(service.records.assets.facets, caller.owner, sifted.sought())
    return {
        "object": "facets",
        "total": found.count,
        "bytes": found.bytes,
        "models": [
            {"model": model, "model_weights": weights, "count": count}
            for model, weights, count in found.models
        ],
        "media": [{"media": media, "count": count} for media, count in found.media],
    }


@router.post("/delete")
async def delete_several(
    body: Several,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    """Up to 1000 at once; those that are not there, or another's, are left out of `deleted`."""
    gone = []
    for id in dict.fromkeys(body.ids):
        try:
            await in_thread(service.records.assets.remove, id, caller.owner)
        except Failure as error:
            if error.status != 404:
                raise
        else:
            gone.append(id)
    return {"object": "assets.deleted", "deleted": gone}


@router.post("/archive", response_class=StreamingResponse)
async def archive(
    body: Several,
    caller: Who,
    service: Here,
) -> StreamingResponse:
    """Several as one ZIP, with their records; it is sent while it is written."""
    found = await in_thread(service.records.assets.several, body.ids, caller.owner)
    if not found:
        raise missing("asset", body.ids[0])
    files = [(asset, service.records.assets.path(asset.sha256)) for asset in found]
    named = {"content-disposition": 'attachment; filename="genloom.zip"'}
    return StreamingResponse(zipped(files), media_type="application/zip", headers={**SHUT, **named})


@router.get("/{id}")
async def get(
    id: str,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    return told(await in_thread(service.records.assets.get, id, caller.owner), record=True)


@router.post("/{id}")
async def mark(
    id: str,
    body: Marks,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    """Note that it is a favourite, or its labels."""
    marks = {"favourite": body.favourite, "labels": body.labels}
    return told(await in_thread(service.records.assets.mark, id, caller.owner, **marks))


@router.get("/{id}/content", response_class=FileResponse)
async def content(
    id: str,
    request: Request,
    caller: Who,
    service: Here,
) -> FileResponse:
    asset = await in_thread(service.records.assets.get, id, caller.owner)
    path = service.records.assets.path(asset.sha256)
    return await stored_answer(request, path, sha256=asset.sha256, media=asset.media)


@router.get("/{id}/export", response_class=Response)
async def export(
    id: str,
    caller: Who,
    service: Here,
    format: Literal["csv", "json"] = "csv",
) -> Response:
    """A table for other programs: CSV in which a spreadsheet finds no formula, or JSON."""
    asset = await in_thread(service.records.assets.get, id, caller.owner)
    if asset.media not in TABLES:
        raise Failure(400, "only tables are exported", code="not_a_table", param="id")
    path = service.records.assets.path(asset.sha256)
    data, media = await in_thread(exported, path, format)
    named = {"content-disposition": f'attachment; filename="{id}.{format}"'}
    return Response(data, media_type=media, headers={**SHUT, **named})


@router.get("/{id}/thumbnail", response_class=Response)
async def thumbnail_(
    id: str,
    caller: Who,
    service: Here,
    edge: Annotated[int, Query(ge=1, le=EDGES[-1])] = 256,
) -> Response:
    """A picture of at most so many pixels a side (WebP), or how a text begins (text/plain)."""
    asset = await in_thread(service.records.assets.get, id, caller.owner)
    data, media = await thumbnail(service.records.blobs, asset.sha256, asset.media, edge)
    return Response(data, media_type=media, headers={**SHUT, **KEPT})


@router.delete("/{id}")
async def delete(
    id: str,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    await in_thread(service.records.assets.remove, id, caller.owner)
    return {"id": id, "object": "asset.deleted", "deleted": True}
