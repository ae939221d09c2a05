"""/v1/chats/{id}/...: what is said in a chat and answered, followed, stopped and gone on with.

An answer is made in the background and belongs to the chat from its first moment: a client that
leaves ends nothing, and one that comes back follows on.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from genloom.server.access import ForInference
from genloom.server.caller import Caller
from genloom.server.failure import Failure
from genloom.server.records.chats import Chat, Turn
from genloom.server.routes.chats import settled
from genloom.server.routes.chats_making import LIVE, Making, followed
from genloom.server.routes.chats_messages import way
from genloom.server.routes.chats_schema import Answered, turn_told
from genloom.server.service import Here, Service
from genloom.server.sse import EventStream
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/chats/{id}", tags=["chats"])
CUT = frozenset({"incomplete", "failed"})


@router.post("/answers")
async def answer(id: str, body: Answered, service: Here, caller: ForInference) -> dict[str, Any]:
    """Add what is said behind a turn, and have the model answer it; the turns, the answer last."""
    chat, turns = await _open(service, caller, id)
    said: list[Turn] = []
    for one in body.said:
        about = {} if one.call_id is None else {"call_id": one.call_id}
        parent = said[-1].id if said else body.parent
        said.append(Turn(chat=id, parent=parent, role=one.role, text=one.text, about=about))
    last = said[-1].id if said else body.parent
    if last is None:
        raise Failure(400, "nothing was said yet: say something", param="said")
    before = way([*turns, *said], last)
    if before[-1].role == "assistant":
        why = "the model has spoken last: say something, or answer again to what it answers"
        raise Failure(400, why, param="parent")
    making = Making(service, caller, chat, before, Turn(chat=id, parent=last, role="assistant"))
    service.runs.check(caller.owner)
    await making.prepare()
    await in_thread(service.records.chats.add, id, caller.owner, [*said, making.turn])
    _start(service, caller, making)
    return {"object": "list", "data": list(map(turn_told, [*said, making.turn]))}


async def _open(service: Service, caller: Caller, id: str) -> tuple[Chat, list[Turn]]:
    chat = await in_thread(service.records.chats.get, id, caller.owner)
    return chat, await settled(service, caller, id)


def _start(service: Service, caller: Caller, making: Making) -> None:
    run = service.runs.start(caller.owner, making.turn.id, (), making.aside)
    run.state = making.now


@router.post("/turns/{turn}/continue")
async def go_on(id: str, turn: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """Have the model go on with an answer that was cut, in the same turn."""
    chat, turns = await _open(service, caller, id)
    before = way(turns, turn)
    cut = before.pop()
    if cut.role != "assistant" or cut.status not in CUT or cut.about.get("calls"):
        raise Failure(409, "this turn is not an answer that was cut", code="conflict")
    if any(one.parent == turn for one in turns):
        raise Failure(409, "something follows this answer already: answer again", code="conflict")
    whole = await in_thread(service.records.chats.turn, id, turn, caller.owner, chances=True)
    making = Making(service, caller, chat, before, whole)
    service.runs.check(caller.owner)
    await making.prepare()
    mine = await in_thread(service.records.chats.renew, making.turn, begin=CUT)
    if not mine:
        raise Failure(409, "somebody else goes on with this answer", code="conflict")
    _start(service, caller, making)
    return turn_told(making.turn)


@router.post("/turns/{turn}/cancel")
async def stop(id: str, turn: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """End an answer that is being made; one that has ended stays as it is."""
    found = await in_thread(service.records.chats.turn, id, turn, caller.owner)
    run = service.runs.find(caller.owner, turn)
    if run is not None:
        await run.cancel()
        found = await in_thread(service.records.chats.turn, id, turn, caller.owner)
    return turn_told(found)


@router.get("/turns/{turn}/events", response_model=None)
async def events(id: str, turn: str, service: Here, caller: ForInference) -> EventStream:
    """`snapshot`: what there is; then each `piece`; at last `turn`, the whole of it."""
    found = await in_thread(service.records.chats.turn, id, turn, caller.owner)
    run = service.runs.find(caller.owner, turn)
    if run is None and found.status == LIVE:
        kept = await settled(service, caller, id)
        found = next(one for one in kept if one.id == turn)
    return EventStream(followed(run, found))


@router.get("/turns/{turn}/chances")
async def chances(id: str, turn: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """Each token of an answer, its log-probability, and the likeliest in its place."""
    run = service.runs.find(caller.owner, turn)
    found = await in_thread(service.records.chats.turn, id, turn, caller.owner, chances=True)
    told: Turn = run.state() if run is not None else found
    return {"object": "list", "data": list(told.chances or ())}
