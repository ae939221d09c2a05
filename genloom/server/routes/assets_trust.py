"""/v1/assets/{id}/provenance and /neighbours: whether an asset is what its record says, and what it
is near to of what its model learnt from.

Both are found out in other processes; here it is decided which asset and which model are meant.
"""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.content import suffix_of
from genloom.server.failure import Failure
from genloom.server.leaving import while_there
from genloom.server.records.assets import Asset
from genloom.server.routes.provenance import told, verifying_of
from genloom.server.service import Here, Service
from genloom.server.threads import in_thread
from genloom.server.thumbnails import picture_of

router = APIRouter(prefix="/v1/assets", tags=["trust"])
MOST = 50 << 20  # bytes of a file that is looked into
MISSING = "training_data_missing"


@router.get("/{id}/provenance")
async def provenance(
    id: str,
    request: Request,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    """As /v1/content_provenance_checks, with the record that is kept beside the file."""
    asset, data = await _read(service, id, caller.owner)
    name = f"{asset.id}{suffix_of(asset.media)}"
    verdict = await verifying_of(request)(data, name, asset.record)
    weights = {model.weights for model in await in_thread(service.records.models.known)}
    return {
        "object": "content_provenance_check",
        "created_at": int(time.time()),
        "results": [told(verdict, weights)],
    }


@router.get("/{id}/neighbours")
async def neighbours(
    id: str,
    request: Request,
    caller: Who,
    service: Here,
    count: Annotated[int, Query(ge=1, le=24)] = 6,
) -> dict[str, Any]:
    """The training items nearest to an asset, with their distances, beside those of real items that
    were held out. It is found out once; 409 where the model or its training data is not there any
    more."""
    asset, data = await _read(service, id, caller.owner)
    model = await _maker(service, asset)
    blobs, name = service.records.blobs, f"near-{(asset.weights or '')[:16]}-{count}.json"
    kept = blobs.drawn(asset.sha256, name)
    try:
        found: dict[str, Any] = json.loads(await in_thread(kept.read_bytes))
    except (FileNotFoundError, ValueError):
        given = {"name": f"asset{suffix_of(asset.media)}", "count": count}
        call = Call(
            model=model, task="neighbours", given=given, blobs={"file": data}, owner=caller.owner
        )
        found = await while_there(request, _found(service, call))
        await in_thread(blobs.draw, asset.sha256, name, json.dumps(found).encode())
    return {"object": "neighbours", "asset": asset.id, "model": model, **found}


async def _read(service: Service, id: str, owner: str) -> tuple[Asset, bytes]:
    asset = await in_thread(service.records.assets.get, id, owner)
    if asset.bytes > MOST:
        raise Failure(413, f"files up to {MOST >> 20} MiB are looked into", code="file_too_large")
    path: Path = service.records.assets.path(asset.sha256)
    try:
        return asset, await in_thread(path.read_bytes)
    except FileNotFoundError:
        raise Failure(404, "it was deleted meanwhile", code="content_not_found") from None


async def _maker(service: Service, asset: Asset) -> str:
    """The name of the model that made it. Failure 409 where it is not served, or no longer what it
    was."""
    if not asset.model or not asset.weights:
        raise Failure(409, "no record says which model made this", code="no_record")
    try:
        about = await service.engines.about(asset.model)
    except Failure as error:
        if error.status != 404:
            raise
        told = f"the model {asset.model!r} that made this is not served here any more"
        raise Failure(409, told, code="model_missing") from None
    if about["weights"] != asset.weights:
        told = f"the model {asset.model!r} has learnt other weights since this was made"
        raise Failure(409, told, code="model_changed")
    return asset.model


async def _found(service: Service, call: Call) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    data: list[dict[str, Any]] = []
    try:
        async for event in service.engines.run(call):
            if event.kind != "values":
                continue
            if "neighbour" in event.values:
                data.append(await _shown(dict(event.values["neighbour"]), event.blob))
            else:
                whole = dict(event.values)
    except Failure as error:
        if error.code != MISSING:
            raise
        raise Failure(409, error.message, code=MISSING) from None
    whole.pop("neighbours", None)
    return {"data": data, **whole}


async def _shown(neighbour: dict[str, Any], blob: bytes | None) -> dict[str, Any]:
    """A neighbour with a small picture of it, where it is one."""
    if blob is not None and (picture := await picture_of(blob)) is not None:
        neighbour["thumbnail"] = f"data:image/webp;base64,{base64.b64encode(picture).decode()}"
    return neighbour
