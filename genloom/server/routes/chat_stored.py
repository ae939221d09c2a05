"""Chats that were stored (`store`): read, listed, labelled and deleted by whom they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from genloom.server.access import ForInference
from genloom.server.caller import Caller
from genloom.server.records.rows import Page
from genloom.server.routes.chat_schema import ChatBody, Metadata
from genloom.server.routes.listing import Paged, listed
from genloom.server.schema import Asked
from genloom.server.service import Here, Service
from genloom.server.threads import in_thread

KIND = "chat_completion"
_LOOKED = 50  # pages that are looked through for a label

router = APIRouter(prefix="/v1/chat/completions")


class Labels(Asked):
    metadata: Metadata | None


async def keep(service: Service, caller: Caller, body: ChatBody, answer: Mapping[str, Any]) -> None:
    """On disk when this returns."""
    told = {**answer, "metadata": body.metadata or {}}
    given = [message.model_dump(exclude_none=True) for message in body.messages]
    value = {"completion": told, "messages": given}
    documents = service.records.documents
    await in_thread(documents.put, KIND, answer["id"], value, owner=caller.owner)


@router.get("")
async def listing(
    request: Request,
    service: Here,
    caller: ForInference,
    paging: Paged,
    model: Annotated[str | None, Query()] = None,
) -> dict[str, Any]:
    """Stored chats, those of a model or with certain metadata where asked for."""
    query = request.query_params
    labels = {k[9:-1]: v for k, v in query.items() if k.startswith("metadata[") and k[-1] == "]"}
    page = paging.page(descending=False)
    found = await in_thread(_found, service, caller.owner, page, model, labels)
    return listed(found[: page.limit], len(found) > page.limit)


def _found(
    service: Service, owner: str, page: Page, model: str | None, labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One more than the page holds, where there are more."""
    found: list[dict[str, Any]] = []
    for _ in range(_LOOKED):
        documents, more = service.records.documents.listed(KIND, owner, page)
        for document in documents:
            told = document.value["completion"]
            if model in (None, told["model"]) and labels.items() <= told["metadata"].items():
                found.append(told)
        if not more or len(found) > page.limit:
            break
        if not (model or labels):
            return [*found, found[-1]]  # one more, which is not shown
        page = replace(page, after=documents[-1].id)
    return found


@router.get("/{id}")
async def read(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    document = await in_thread(service.records.documents.get, KIND, id, caller.owner)
    told: dict[str, Any] = document.value["completion"]
    return told


@router.post("/{id}")
async def label(id: str, body: Labels, service: Here, caller: ForInference) -> dict[str, Any]:
    """Other metadata."""

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "completion": {**value["completion"], "metadata": body.metadata or {}}}

    documents = service.records.documents
    document = await in_thread(documents.change, KIND, id, caller.owner, changed)
    told: dict[str, Any] = document.value["completion"]
    return told


@router.delete("/{id}")
async def remove(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    await in_thread(service.records.documents.remove, KIND, id, caller.owner)
    return {"id": id, "object": "chat.completion.deleted", "deleted": True}


@router.get("/{id}/messages")
async def messages(id: str, service: Here, caller: ForInference, paging: Paged) -> dict[str, Any]:
    """What was asked."""
    document = await in_thread(service.records.documents.get, KIND, id, caller.owner)
    given = document.value["messages"]
    return paging.of([_message(f"{id}-{n}", m) for n, m in enumerate(given)], descending=False)


def _message(id: str, message: Mapping[str, Any]) -> dict[str, Any]:
    parts = message.get("content")
    told = {"content": None, "content_parts": parts} if isinstance(parts, list) else {}
    return {"id": id, "content": None, **message, **told}
