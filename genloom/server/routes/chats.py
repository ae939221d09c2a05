"""/v1/chats: conversations kept for whom they belong to, found again, edited, exported and taken
back. What is answered in them is `chats_turns`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from genloom.server.access import ForInference
from genloom.server.caller import Caller
from genloom.server.failure import Failure
from genloom.server.records.chats import Turn
from genloom.server.records.rows import Page
from genloom.server.routes.chats_making import LIVE
from genloom.server.routes.chats_schema import (
    ChangedChat,
    GivenTurn,
    Looked,
    NewChat,
    Shown,
    chat_told,
    turn_told,
)
from genloom.server.routes.listing import Paged, listed
from genloom.server.service import Here, Service
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/chats", tags=["chats"])
INTERRUPTED = {"reason": "interrupted"}  # the server that made it is gone
_ABOUT = ("reasoning", "call_id", "reason", "model", "weights", "seed", "usage", "timing")


@router.post("")
async def create(body: NewChat, service: Here, caller: ForInference) -> dict[str, Any]:
    """A new chat, empty or with the turns of an export."""
    about = body.given()
    title = about.pop("title", "")
    turns = list(_taken(body.turns or ()))
    made = await in_thread(service.records.chats.create, caller.owner, title, about, turns)
    return chat_told(made)


def _taken(given: Sequence[GivenTurn]) -> Iterator[Turn]:
    """With ids of their own. Failure where a parent does not stand before its turn."""
    ids: dict[str, str] = {}
    for n, one in enumerate(given):
        if one.id in ids or (one.parent is not None and one.parent not in ids):
            why = "stands twice" if one.id in ids else "comes before its parent"
            raise Failure(400, f"the turn {one.id[:80]!r} {why}", param=f"turns.{n}")
        about = {k: v for k in _ABOUT if (v := getattr(one, k)) is not None}
        if one.calls is not None:
            about["calls"] = [call.model_dump() for call in one.calls]
        live = one.status == LIVE
        status = "incomplete" if live else one.status
        parent = None if one.parent is None else ids[one.parent]
        more = INTERRUPTED if live else {}
        made = Turn(
            parent=parent, role=one.role, status=status, text=one.text, about={**about, **more}
        )
        ids[one.id] = made.id
        yield made


@router.get("")
async def list_(paging: Paged, service: Here, caller: ForInference) -> dict[str, Any]:
    """Those that changed last first."""
    found, more = await in_thread(service.records.chats.listed, caller.owner, paging.page())
    return listed(list(map(chat_told, found)), more)


@router.post("/search")
async def search(body: Looked, service: Here, caller: ForInference) -> dict[str, Any]:
    """The same, of those that have a text in their title or in what was said."""
    page = Page(after=body.after, limit=body.limit)
    found, more = await in_thread(service.records.chats.listed, caller.owner, page, body.query)
    return listed(list(map(chat_told, found)), more)


@router.get("/{id}")
async def read(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """With all its turns: what POST takes back."""
    chat = await in_thread(service.records.chats.get, id, caller.owner)
    turns = await settled(service, caller, id)
    return {**chat_told(chat), "turns": list(map(turn_told, turns))}


async def settled(service: Service, caller: Caller, id: str) -> list[Turn]:
    """A chat's turns: what is being made as it is now, what nobody makes any more as a part."""
    chats = service.records.chats
    out = []
    for turn in await in_thread(chats.turns, id, caller.owner):
        if turn.status == LIVE:
            run = service.runs.find(caller.owner, turn.id)
            if run is not None:
                turn = run.state()
            else:
                about = {**turn.about, **INTERRUPTED}
                cut = replace(turn, status="incomplete", about=about)
                ours = await in_thread(chats.renew, cut, begin=(LIVE,))
                turn = cut if ours else await in_thread(chats.turn, id, turn.id, caller.owner)
        out.append(turn)
    return out


@router.patch("/{id}")
async def change(id: str, body: ChangedChat, service: Here, caller: ForInference) -> dict[str, Any]:
    """Other values of fields. 409 with both values where somebody else was faster."""
    chats = service.records.chats
    changed = await in_thread(chats.change, id, caller.owner, body.version, body.given())
    return chat_told(changed)


@router.post("/{id}/shown")
async def show(id: str, body: Shown, service: Here, caller: ForInference) -> dict[str, Any]:
    """Which branch is looked at: the last turn of it."""
    return chat_told(await in_thread(service.records.chats.show, id, caller.owner, body.head))


@router.delete("/{id}")
async def remove(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """With its turns; what is being made in it is ended."""
    for turn in await in_thread(service.records.chats.turns, id, caller.owner):
        run = service.runs.find(caller.owner, turn.id) if turn.status == LIVE else None
        if run is not None:
            await run.cancel()
    await in_thread(service.records.chats.remove, id, caller.owner)
    return {"id": id, "object": "chat.deleted", "deleted": True}
