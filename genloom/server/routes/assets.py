"""/v1/assets: finished things, kept with the record of where they come from, each its owner's."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse

from genloom.server.access import Who
from genloom.server.content import stored_answer
from genloom.server.records.assets import Asset
from genloom.server.routes.listing import Paged, listed
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/assets", tags=["assets"])


def told(asset: Asset, record: bool = False) -> dict[str, Any]:
    """An asset as clients read it."""
    return {
        "id": asset.id,
        "object": "asset",
        "media": asset.media,
        "bytes": asset.bytes,
        "sha256": asset.sha256,
        "created_at": int(asset.created),
        "expires_at": None if asset.expires is None else int(asset.expires),
        **({"record": asset.record} if record else {}),
    }


@router.get("")
async def list_(
    paging: Paged,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    assets, more = await in_thread(service.records.assets.listed, caller.owner, paging.page())
    return listed([told(asset) for asset in assets], more)


@router.get("/{id}")
async def get(
    id: str,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    return told(await in_thread(service.records.assets.get, id, caller.owner), record=True)


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


@router.delete("/{id}")
async def delete(
    id: str,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    await in_thread(service.records.assets.remove, id, caller.owner)
    return {"id": id, "object": "asset.deleted", "deleted": True}
