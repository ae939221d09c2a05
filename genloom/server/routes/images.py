"""/v1/images/generations, edits and variations: whatever model makes pictures.

Knows the shapes of answers and events; what a body may say is images_schema, files are image_files.
"""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from genloom.server import image_files
from genloom.server.access import Who
from genloom.server.call import Call, Event
from genloom.server.caller import Caller
from genloom.server.forms import described
from genloom.server.image_files import FORMATS, Wanted, Written
from genloom.server.making import Item, Made, address, ended, item_of, keep, make, steps
from genloom.server.records.assets import Asset
from genloom.server.routes import images_given as given
from genloom.server.routes.images_schema import (
    Drawing,
    Edit,
    Generation,
    Variation,
    options_of,
    seed_of,
)
from genloom.server.routes.sampling import seed_header
from genloom.server.schema import refused
from genloom.server.service import Here, Service
from genloom.server.sse import EventStream, event
from genloom.server.suited import chosen, named, suited

router = APIRouter(tags=["images"])
PICTURES = ("image/*",)


@router.post("/v1/images/generations", response_model=None)
async def generate(
    body: Generation,
    request: Request,
    caller: Who,
    service: Here,
) -> Response:
    order = await _ordered(service, caller, request, body, body.prompt, {}, "image_generation")
    return await order.answer()


@router.post("/v1/images/edits", response_model=None, openapi_extra=described(Edit, json=True))
async def edit(
    request: Request,
    caller: Who,
    service: Here,
) -> Response:
    """image: one file (or several, where the model takes several); mask: its transparent places, or
    where it has none the white ones, are made anew."""
    body, pictures = await given.edit(request, service, caller.owner)
    order = await _ordered(service, caller, request, body, body.prompt, pictures, "image_edit")
    return await order.answer()


@router.post(
    "/v1/images/variations", response_model=None, openapi_extra=described(Variation, "image")
)
async def vary(
    request: Request,
    caller: Who,
    service: Here,
) -> Response:
    body, pictures = await given.variation(request)
    order = await _ordered(service, caller, request, body, "", pictures, "image_edit")
    return await order.answer()


@dataclass(frozen=True, kw_only=True)
class Order:
    """One request for pictures, checked. kind: how its events are called."""

    service: Service
    owner: str
    base: str
    body: Drawing
    call: Call
    wanted: Wanted
    kind: str

    async def answer(self) -> Response:
        headers = seed_header(self.call.given["seed"])
        if self.body.stream:
            return EventStream(self._pieces(), headers=headers)
        with named("size", "options.size"):
            made = await make(self.service, self.call)
        pictures = [await self._picture(item) for item in made.items]
        told: dict[str, Any] = {
            "created": int(time.time()),
            "data": [self._told(one) for one in pictures],
            **self._how(pictures[0].file),
            "seed": self.call.given["seed"],
            "usage": _usage(made.usage),
        }
        return JSONResponse(told, headers=headers)

    # --- pictures ---------------------------------------------------------------------------------

    async def _picture(self, item: Item) -> Picture:
        """Keep what was made as it is, and write it as it is wanted."""
        asset = await keep(self.service, self.owner, item)
        file = await image_files.write(item.data, self.wanted)
        if self.body.response_format == "url" and file.data is not item.data:
            record = {"from": asset.id, "sha256": asset.sha256, "record": item.record}
            media = FORMATS[self.wanted.format][1]
            other = Item(sample=item.sample, data=file.data, media=media, suffix="", record=record)
            asset = await keep(self.service, self.owner, other)
        return Picture(asset=asset, file=file)

    def _told(self, one: Picture) -> dict[str, Any]:
        where = (
            {"url": address(self.base, one.asset)}
            if self.body.response_format == "url"
            else {"b64_json": _base64(one.file.data)}
        )
        return {**where, "asset_id": one.asset.id}

    def _how(self, file: Written) -> dict[str, Any]:
        told = {
            "background": "transparent" if file.clear else "opaque",
            "output_format": self.wanted.format,
            "quality": "auto" if self.body.stream else None,
            "size": f"{file.size[0]}x{file.size[1]}",
            "safety_identifier": self.body.safety_identifier or self.body.user,
        }
        return {name: value for name, value in told.items() if value is not None}

    # --- events -----------------------------------------------------------------------------------

    async def _pieces(self) -> AsyncGenerator[bytes]:
        made, seen = Made(), dict[int, int]()
        waiting: Picture | None = None  # the last one goes out with the usage
        with named("size", "options.size"):
            async for one in steps(self.service, self.call, made):
                if one.kind == "preview" and one.blob:
                    yield await self._partial(one, seen)
                elif one.kind == "asset":
                    if waiting is not None:
                        yield self._completed(waiting, {})
                    waiting = await self._picture(item_of(one))
        if waiting is not None:
            yield self._completed(waiting, made.usage)

    async def _partial(self, one: Event, seen: dict[int, int]) -> bytes:
        sample = one.values["sample"]
        number = seen[sample] = seen.get(sample, -1) + 1
        file = await image_files.write(one.blob or b"", self.wanted)
        told = {"partial_image_index": number, "sample": sample, "b64_json": _base64(file.data)}
        return self._event("partial_image", file, told)

    def _completed(self, one: Picture, usage: Mapping[str, int]) -> bytes:
        told = {**self._told(one), "b64_json": _base64(one.file.data), "usage": _usage(usage)}
        return self._event("completed", one.file, told)

    def _event(self, what: str, file: Written, told: Mapping[str, Any]) -> bytes:
        kind = f"{self.kind}.{what}"
        return event(
            {"type": kind, "created_at": int(time.time()), **self._how(file), **told}, kind
        )


@dataclass(frozen=True, kw_only=True)
class Picture:
    """asset: what an id or a URL leads to; file: what is sent."""

    asset: Asset
    file: Written


async def _ordered(
    service: Service,
    caller: Caller,
    request: Request,
    body: Drawing,
    prompt: str,
    pictures: Mapping[str, bytes],
    kind: str,
) -> Order:
    options, wanted = options_of(body), _wanted(body)
    model = chosen(service, body.model)
    about = await suited(service, model, PICTURES, "a model of pictures")
    if body.background == "transparent" and not about.get("clear"):
        raise refused("background", "pictures of this model have no transparency")
    told = {
        "prompt": prompt or None,
        "seed": seed_of(body.seed),
        "count": body.n or 1,
        "previews": body.partial_images or 0,
        "options": options,
    }
    call = Call(
        model=model,
        task="generate",
        given={name: value for name, value in told.items() if value is not None},
        blobs=given.blobs(about, pictures),
        owner=caller.owner,
    )
    return Order(
        service=service,
        owner=caller.owner,
        base=str(request.base_url),
        body=body,
        call=call,
        wanted=wanted,
        kind=kind,
    )


def _wanted(body: Drawing) -> Wanted:
    """The format of the files; Failure where it cannot be, or not with the rest."""
    name = body.output_format or "png"
    if name not in FORMATS:
        raise refused("output_format", f"{', '.join(FORMATS)} are written here")
    _, _, holds, squeezed = FORMATS[name]
    if body.background == "transparent" and not holds:
        raise refused("background", f"{name} holds no transparency: take png or webp")
    quality = body.output_compression
    if quality is not None and not squeezed and quality != 100:
        raise refused("output_compression", f"{name} is not compressed with losses")
    return Wanted(
        format=name,
        quality=quality if squeezed else None,
        opaque=body.background == "opaque",
    )


def _usage(usage: Mapping[str, int]) -> dict[str, Any]:
    told = ended(usage)
    return {
        **told,
        "input_tokens_details": {"text_tokens": told["input_tokens"], "image_tokens": 0},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": told["output_tokens"]},
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
