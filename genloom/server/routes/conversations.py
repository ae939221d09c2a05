"""/v1/conversations: items that responses go on from and add to, kept by whom they belong to."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from genloom.server.access import ForInference
from genloom.server.failure import Failure
from genloom.server.routes.chat_answer import new_id
from genloom.server.routes.chat_schema import Metadata
from genloom.server.routes.listing import Paged, listed
from genloom.server.routes.responses_items import stored
from genloom.server.routes.responses_kept import CONVERSATION, add_items, items_of
from genloom.server.routes.responses_schema import Item
from genloom.server.schema import Asked
from genloom.server.service import Here
from genloom.server.threads import in_thread

MOST_AT_ONCE = 20

router = APIRouter(prefix="/v1/conversations")
Items = Annotated[list[Item], Field(max_length=MOST_AT_ONCE)]


class NewConversation(Asked):
    items: Items | None = None
    metadata: Metadata | None = None


class Labels(Asked):
    metadata: Metadata | None


class NewItems(Asked):
    items: Annotated[Items, Field(min_length=1)]


@router.post("")
async def create(body: NewConversation, service: Here, caller: ForInference) -> dict[str, Any]:
    made = {
        "id": new_id("conv_"),
        "object": "conversation",
        "created_at": int(time.time()),
        "metadata": body.metadata or {},
    }
    value = {"conversation": made, "items": stored(body.items)}
    documents = service.records.documents
    await in_thread(documents.put, CONVERSATION, made["id"], value, owner=caller.owner)
    return made


@router.get("/{id}")
async def read(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    found = await in_thread(service.records.documents.get, CONVERSATION, id, caller.owner)
    told: dict[str, Any] = found.value["conversation"]
    return told


@router.post("/{id}")
async def label(id: str, body: Labels, service: Here, caller: ForInference) -> dict[str, Any]:
    """Other metadata."""

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        now = {**value["conversation"], "metadata": body.metadata or {}}
        return {**value, "conversation": now}

    documents = service.records.documents
    found = await in_thread(documents.change, CONVERSATION, id, caller.owner, changed)
    told: dict[str, Any] = found.value["conversation"]
    return told


@router.delete("/{id}")
async def remove(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """With its items; responses that were made from it stay."""
    await in_thread(service.records.documents.remove, CONVERSATION, id, caller.owner)
    return {"id": id, "object": "conversation.deleted", "deleted": True}


@router.post("/{id}/items")
async def add(id: str, body: NewItems, service: Here, caller: ForInference) -> dict[str, Any]:
    documents = service.records.documents
    known = await in_thread(items_of, documents, caller.owner, id)
    items = stored(body.items, known)
    await in_thread(add_items, documents, caller.owner, id, items)
    return listed(items, False)


@router.get("/{id}/items")
async def items(id: str, service: Here, caller: ForInference, paging: Paged) -> dict[str, Any]:
    """The latest first."""
    return paging.of(await in_thread(items_of, service.records.documents, caller.owner, id))


@router.get("/{id}/items/{item}")
async def item(id: str, item: str, service: Here, caller: ForInference) -> dict[str, Any]:
    found = await in_thread(items_of, service.records.documents, caller.owner, id)
    told = next((one for one in found if one["id"] == item), None)
    if told is None:
        raise _missing(item)
    return told


@router.delete("/{id}/items/{item}")
async def remove_item(id: str, item: str, service: Here, caller: ForInference) -> dict[str, Any]:
    def changed(value: dict[str, Any]) -> dict[str, Any]:
        left = [one for one in value["items"] if one["id"] != item]
        if len(left) == len(value["items"]):
            raise _missing(item)
        return {**value, "items": left}

    documents = service.records.documents
    found = await in_thread(documents.change, CONVERSATION, id, caller.owner, changed)
    told: dict[str, Any] = found.value["conversation"]
    return told


def _missing(item: str) -> Failure:
    return Failure(404, f"no item {item[:80]!r}", code="item_not_found")
