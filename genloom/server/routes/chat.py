"""POST /v1/chat/completions: an answer to a conversation, whole or in chunks.

Joins the body, the engines and the answer; stored answers are read by `chat_stored`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from genloom.server.access import ForInference
from genloom.server.call import Call, Event
from genloom.server.caller import Caller
from genloom.server.routes.chat_answer import Gathered, Head, completion
from genloom.server.routes.chat_asked import chat_given, custom_names
from genloom.server.routes.chat_chunks import Chunks
from genloom.server.routes.chat_schema import ChatBody
from genloom.server.routes.chat_stored import keep
from genloom.server.routes.delivering import delivered
from genloom.server.routes.sampling import beside, fingerprint, renamed, seed_of
from genloom.server.service import Here, Service
from genloom.server.sse import Pieces

NAMES = {"schema": "response_format", "stop_ids": "stop_token_ids"}  # of options -> of fields

router = APIRouter()


@router.post("/v1/chat/completions")
async def create(
    body: ChatBody,
    request: Request,
    service: Here,
    caller: ForInference,
) -> Response:
    """An answer of the model to messages."""
    return await delivered(request, Asking(body, service, caller), body.stream)


class Asking:
    """One request on its way."""

    def __init__(self, body: ChatBody, service: Service, caller: Caller) -> None:
        self.body, self.service, self.caller = body, service, caller
        self.seed = seed_of(body)

    async def whole(self) -> dict[str, Any]:
        head, call = await self.begin()
        gathered = Gathered()
        async with aclosing(self.events(call)) as events:
            async for event in events:
                gathered.add(event)
        answer = completion(head, gathered)
        await self.keep(answer)
        return answer

    async def chunks(self) -> Pieces:
        head, call = await self.begin()
        asked = self.body.stream_options
        usage = asked is not None and asked.include_usage is True
        padded = asked is not None and asked.include_obfuscation is True
        chunks = Chunks(head, usage=usage, padded=padded)
        async with aclosing(self.events(call)) as events:
            async for event in events:
                piece = chunks.of(event)
                if event.kind == "done":
                    await self.keep(completion(head, chunks.gathered))
                if piece:
                    yield piece

    async def begin(self) -> tuple[Head, Call]:
        body = self.body
        about = await self.service.engines.about(body.model)
        given = {**chat_given(body, about), **beside(body), "seed": self.seed}
        call = Call(
            model=body.model,
            task="chat",
            given=given,
            owner=self.caller.owner,
            batch=body.service_tier == "flex",
        )
        head = Head(
            model=body.model,
            fingerprint=fingerprint(about),
            seed=self.seed,
            custom=custom_names(body.tools or ()),
            legacy=body.functions is not None,
        )
        return head, call

    def events(self, call: Call) -> AsyncGenerator[Event, None]:
        events: Any = self.service.engines.run(call)
        return renamed(events, NAMES)

    async def keep(self, answer: dict[str, Any]) -> None:
        if self.body.store:
            await keep(self.service, self.caller, self.body, answer)
