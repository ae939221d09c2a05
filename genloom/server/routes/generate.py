"""/v1/generate: any model, answered with whatever it makes.

One file as it is; several, or texts, as JSON; multipart/mixed or JSON where Accept says so; events
with stream=true. Knows no medium.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from genloom.server.access import Who
from genloom.server.call import Call, Event
from genloom.server.given_files import sound_file
from genloom.server.making import Item, Made, item_of, keep, make, steps
from genloom.server.records.assets import Asset
from genloom.server.references import referred
from genloom.server.routes.images_given import blobs
from genloom.server.routes.media_schema import Anything, given_of, most_of
from genloom.server.routes.sampling import seed_header
from genloom.server.schema import refused
from genloom.server.service import Here, Service
from genloom.server.sse import DONE, EventStream, event
from genloom.server.suited import chosen
from genloom.server.voices import options_for

router = APIRouter(tags=["generate"])
JSON, MIXED = "application/json", "multipart/mixed"

Kept = list[tuple[Item, Asset]]


@router.post("/v1/generate", response_model=None)
async def generate(
    body: Anything,
    request: Request,
    caller: Who,
    service: Here,
) -> Response:
    call = await _call(body, service, caller.owner)
    headers = {**seed_header(call.given["seed"]), "vary": "accept"}
    if body.stream:
        return EventStream(_pieces(service, call), headers=headers)
    made = await make(service, call)
    kept = [(item, await keep(service, call.owner, item)) for item in made.items]
    wished = [
        part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")
    ]
    if made.texts or JSON in wished or (MIXED not in wished and len(kept) != 1) or not kept:
        return JSONResponse(_told(call, made, kept), headers=headers)
    if MIXED in wished and len(kept) > 1:
        return _mixed(kept, headers)
    item, asset = kept[0]
    named = {
        "x-genloom-asset": asset.id,
        "content-disposition": f'inline; filename="{asset.id}{item.suffix}"',
    }
    return Response(item.data, media_type=item.media, headers={**headers, **named})


async def _call(body: Anything, service: Service, owner: str) -> Call:
    model = chosen(service, body.model)
    about = await service.engines.about(model)
    found = {
        name: (await referred(service, owner, value, name)).data
        for name in ("image", "mask", "control")
        if (value := getattr(body, name)) is not None
    }
    taken = about["form"]["takes"] if found else {}
    known = {"image": "item" if "item" in taken else "control"}
    pictures = {
        name: await sound_file(about, known.get(name, name), data, name)
        for name, data in found.items()
    }
    _check(body, about)
    _count(body, about)
    more = {name: getattr(body, name) for name in ("previews", "suffix", "first")}
    given = given_of(body, **more, keep=body.store or None)
    if body.voice is not None:
        await _say_in(service, owner, body, about, given)
    files = blobs(about, pictures) if pictures else {}
    return Call(model=model, task="generate", given=given, blobs=files, owner=owner)


def _check(body: Anything, about: Mapping[str, Any]) -> None:
    """Failure for what this model cannot act on."""
    if body.where is not None and not about.get("where"):
        raise refused("where", "this model takes no conditions")
    if not about.get("texts"):
        if body.store is False:
            raise refused("store", "files are always kept: leave it out")
        return
    for field in ("previews", "suffix"):
        if getattr(body, field) is not None:
            raise refused(field, "this model makes texts: leave it out")


async def _say_in(
    service: Service, owner: str, body: Anything, about: Mapping[str, Any], given: dict[str, Any]
) -> None:
    """The voice: one of the model's as a condition, one's own as options."""
    known, voice = about.get("voices") or (), body.voice or ""
    if voice in known and body.where is None:
        given["where"] = {"voice": voice}
        return
    own = await options_for(service, owner, voice, about) if known else None
    if own is None or body.where is not None:
        told = ", ".join(known) or "none: leave it out"
        raise refused("voice", f"voices of this model are {told}")
    given["options"] = {**(given.get("options") or {}), **own}


def _count(body: Anything, about: Mapping[str, Any]) -> None:
    """Refused where more is asked for than one request may make."""
    wished, most = body.count or body.frames or 1, most_of(about)
    if wished > most:
        field = "count" if body.count else "frames"
        raise refused(field, f"{wished:,} are asked for: up to {most:,} at once")


# --- whole ----------------------------------------------------------------------------------------


def _told(call: Call, made: Made, kept: Kept) -> dict[str, Any]:
    files = {item.sample: (item, asset) for item, asset in kept}
    data: list[dict[str, Any]] = [
        {
            **(_asset(*files[n]) if n in files else {"index": n}),
            "text": made.texts[n],
            "finish_reason": made.finishes.get(n),
        }
        for n in sorted(made.texts)
    ]
    data += [
        {**_asset(item, asset), "b64": _base64(item.data)}
        for n, (item, asset) in files.items()
        if n not in made.texts
    ]
    return {
        "object": "generation",
        "model": call.model,
        "seed": call.given["seed"],
        "data": data,
        "usage": made.usage,
    }


def _asset(item: Item, asset: Asset) -> dict[str, Any]:
    return {
        "index": item.sample,
        "asset_id": asset.id,
        "media": item.media,
        "suffix": item.suffix,
        "sha256": asset.sha256,
        "bytes": asset.bytes,
    }


def _mixed(kept: Kept, headers: Mapping[str, str]) -> Response:
    """One part a file, with its own type (RFC 2046)."""
    mark = f"genloom-{secrets.token_hex(16)}"
    parts = []
    for item, asset in kept:
        head = f"--{mark}\r\nContent-Type: {item.media}\r\nContent-Length: {len(item.data)}\r\n"
        name = f'Content-Disposition: attachment; filename="{asset.id}{item.suffix}"\r\n\r\n'
        parts.append(f"{head}{name}".encode() + item.data + b"\r\n")
    body = b"".join(parts) + f"--{mark}--\r\n".encode()
    return Response(body, headers=dict(headers), media_type=f"{MIXED}; boundary={mark}")


# --- events ---------------------------------------------------------------------------------------


async def _pieces(service: Service, call: Call) -> AsyncGenerator[bytes]:
    made = Made()
    async for one in steps(service, call, made):
        if one.kind == "asset":
            item = item_of(one)
            asset = await keep(service, call.owner, item)
            told = {"type": "asset", **_asset(item, asset), "b64": _base64(item.data)}
            yield event({**told, "record": item.record}, "asset")
        else:
            yield event(_plain(one), one.kind)
    yield DONE


def _plain(one: Event) -> dict[str, Any]:
    """An event as it is; a preview's bytes within it."""
    told = {"type": one.kind, **one.values}
    if "sample" in told:
        told["index"] = told.pop("sample")
    return told if one.blob is None else {**told, "b64": _base64(one.blob)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
