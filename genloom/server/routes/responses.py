"""/v1/responses: made at once, in events, or in the background; read, cancelled and deleted later.

Joins bodies, makings, runs and the store.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from genloom.server.access import ForInference
from genloom.server.call import Call
from genloom.server.caller import Caller
from genloom.server.failure import Failure
from genloom.server.leaving import while_there
from genloom.server.routes.chat_asked import needs_template, tool_given
from genloom.server.routes.listing import Paged
from genloom.server.routes.responses_again import taken_up
from genloom.server.routes.responses_asked import tools_of
from genloom.server.routes.responses_items import messages, stored
from genloom.server.routes.responses_kept import RESPONSE, all_input, is_noted, renew, unnoted
from genloom.server.routes.responses_making import STOPPED, Making, context_of
from genloom.server.routes.responses_object import broken
from genloom.server.routes.responses_schema import Conversation, CountBody, ResponseBody
from genloom.server.routes.sampling import seed_header
from genloom.server.service import Here, Service
from genloom.server.sse import EventStream, Pieces
from genloom.server.threads import in_thread

_UNFINISHED = frozenset({"queued", "in_progress"})

router = APIRouter(prefix="/v1/responses")


@router.post("")
async def create(
    body: ResponseBody, request: Request, service: Here, caller: ForInference
) -> Response:
    """A response of the model to input."""
    making = Making(body, service, caller)
    headers = seed_header(making.seed)
    if body.background:
        return await _aside(making, service, caller, headers)
    if body.stream:
        return EventStream(making.pieces(), headers=headers)
    return JSONResponse(await while_there(request, _whole(making)), headers=headers)


async def _whole(making: Making) -> dict[str, Any]:
    await making.prepare()
    return await making.whole()


async def _aside(
    making: Making, service: Service, caller: Caller, headers: dict[str, str]
) -> Response:
    service.runs.check(caller.owner)
    await making.prepare()
    first = await making.begin_aside()
    queued = dict(making.response)
    run = service.runs.start(caller.owner, making.response["id"], first, making.aside)
    run.state = making.so_far
    if making.body.stream:
        return EventStream(run.follow(), headers=headers)
    return JSONResponse(queued, headers=headers)


@router.post("/input_tokens")
async def count(
    body: CountBody, request: Request, service: Here, caller: ForInference
) -> dict[str, Any]:
    """How many tokens an input has for a model, with the tools and what was said before."""
    return await while_there(request, _count(body, service, caller))


async def _count(body: CountBody, service: Service, caller: Caller) -> dict[str, Any]:
    needs_template(body.model, await service.engines.about(body.model))
    asked = body.conversation
    within = asked.id if isinstance(asked, Conversation) else asked
    context = await context_of(body, service, caller, within)
    items = [*context, *stored(body.input, context)]
    tools, _ = tools_of(body)
    given = {
        "messages": messages(items, body.instructions),
        "tools": [tool_given(tool, f"tools.{n}") for n, tool in enumerate(tools)] or None,
    }
    call = Call(model=body.model, task="count", given=given, owner=caller.owner)
    tokens = 0
    async for event in service.engines.run(call):
        if event.kind == "values":
            tokens = event.values["tokens"]
    return {"object": "response.input_tokens", "input_tokens": tokens}


@router.get("/{id}")
async def read(
    id: str,
    service: Here,
    caller: ForInference,
    stream: bool = False,
    starting_after: Annotated[int | None, Query(ge=-1)] = None,
) -> Response:
    """A stored response; of one that is made in the background also its events, from the one
    behind number `starting_after` on."""
    first = 0 if starting_after is None else starting_after + 1
    value = await _value(service, caller, id)
    run = service.runs.find(caller.owner, id)
    if not stream:
        return JSONResponse(value["response"])
    if run is not None:
        return EventStream(run.follow(first))
    if value["events"] is None:
        why = "only what is made in the background has events to read again"
        raise Failure(400, why, code="unsupported_value", param="stream")
    return EventStream(_again(value["events"][first:]))


async def _again(events: list[str]) -> Pieces:
    for one in events:
        yield one.encode()


async def _value(service: Service, caller: Caller, id: str) -> dict[str, Any]:
    """What is stored of a response, as it is now."""
    documents, owner = service.records.documents, caller.owner

    def read() -> dict[str, Any]:
        found: dict[str, Any] = documents.get(RESPONSE, id, owner).value
        return found

    value = await in_thread(read)
    if value["response"]["status"] not in _UNFINISHED:
        return value
    run = service.runs.find(owner, id) or await taken_up(service, id)
    if run is not None:
        return {**value, "response": run.state()}
    value = await in_thread(read)  # it may have ended between two looks
    if value["response"]["status"] in _UNFINISHED and not await in_thread(is_noted, documents, id):
        value = {**value, "response": broken(value["response"], STOPPED)}
        await in_thread(renew, documents, owner, value["response"])
    return value


@router.delete("/{id}")
async def remove(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """Ends it, where it is still made."""
    run = service.runs.find(caller.owner, id)
    if run is not None:
        await run.cancel()
    await in_thread(service.records.documents.remove, RESPONSE, id, caller.owner)
    await in_thread(unnoted, service.records.documents, id)
    return {"id": id, "object": "response", "deleted": True}


@router.post("/{id}/cancel")
async def cancel(id: str, service: Here, caller: ForInference) -> dict[str, Any]:
    """End what is made in the background; what has ended stays as it is."""
    value = await _value(service, caller, id)
    if not value["response"]["background"]:
        raise Failure(400, "only what is made in the background can be cancelled", param="id")
    run = service.runs.find(caller.owner, id)
    if run is not None:
        await run.cancel()
    response: dict[str, Any] = (await _value(service, caller, id))["response"]
    return response


@router.get("/{id}/input_items")
async def input_items(
    id: str, service: Here, caller: ForInference, paging: Paged
) -> dict[str, Any]:
    """What a response was made from, the latest first."""
    value = await _value(service, caller, id)
    items = await in_thread(all_input, service.records.documents, caller.owner, value)
    return paging.of(items)
