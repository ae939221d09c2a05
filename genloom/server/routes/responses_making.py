"""A response on its way: from its body over the engine to its events, and onto disk.

Joins what is asked, what went before, the engine and the store; knows no route.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self

from genloom.server.call import Call, Event
from genloom.server.caller import Caller
from genloom.server.failure import Failure
from genloom.server.routes.chat_asked import custom_names, needs_template
from genloom.server.routes.responses_asked import refuse_never, response_given, tools_of
from genloom.server.routes.responses_events import Telling, Told
from genloom.server.routes.responses_items import Stored, messages, stored
from genloom.server.routes.responses_kept import (
    add_items,
    before,
    items_of,
    keep,
    noted,
    renew,
    unnoted,
)
from genloom.server.routes.responses_object import Response, conversation_id, response_of
from genloom.server.routes.responses_schema import ResponseBody, Said
from genloom.server.routes.sampling import beside, renamed, seed_of
from genloom.server.runs import Run
from genloom.server.service import Service
from genloom.server.sse import Pieces, event
from genloom.server.threads import in_thread

# Names of options -> of fields.
NAMES = {
    "schema": "text.format",
    "max_tokens": "max_output_tokens",
    "stop_ids": "stop_token_ids",
    "messages": "input",
}
OVER_CONTEXT = "context_length_exceeded"
STOPPED = Failure(503, "the server was stopped while this was made: ask again")
BROKEN = Failure(500, "the server failed on this: ask again")
_ASKS = frozenset({"user", "developer", "system"})
_log = logging.getLogger(__name__)


async def context_of(
    said: Said, service: Service, caller: Caller, within: str | None
) -> list[Stored]:
    """What was said before, oldest first."""
    documents = service.records.documents
    if said.previous_response_id is not None:
        return await in_thread(before, documents, caller.owner, said.previous_response_id)
    if within is not None:
        return await in_thread(items_of, documents, caller.owner, within)
    return []


class Making:
    """One response. `prepare` first; then one of `whole`, `pieces` and `aside`."""

    def __init__(self, body: ResponseBody, service: Service, caller: Caller) -> None:
        self.body, self.service, self.caller = body, service, caller
        self.seed = seed_of(body)
        self.response = response_of(body, self.seed)
        self.within = conversation_id(body)
        self.context: list[Stored] = []
        self.given: list[Stored] = []
        self._before: Mapping[str, Any] | None = None  # what is stored, where it is made again

    @classmethod
    def again(cls, stored: Mapping[str, Any], service: Service, caller: Caller) -> Self:
        """Of a response that is stored and was not finished: the same input, seed and id."""
        made = cls(ResponseBody.model_validate(stored["asked"]), service, caller)
        made.response, made._before = dict(stored["response"]), stored
        return made

    async def prepare(self) -> None:
        """Failure for all that can be told before the engine is asked."""
        body, service = self.body, self.service
        refuse_never(body)
        self.about = await service.engines.about(body.model)
        needs_template(body.model, self.about)
        if self._before is not None and self.within is not None:
            self.context = list(self._before["context"])
        else:
            self.context = await context_of(body, service, self.caller, self.within)
        before = self._before
        self.given = stored(body.input, self.context) if before is None else list(before["input"])
        self.asked = [*self.context, *self.given]
        self.call()
        tools, _ = tools_of(body)
        self.telling = Telling(self.response, custom_names(tools))

    def call(self) -> Call:
        said = messages(self.asked, self.body.instructions)
        given = response_given(self.body, said, self.about)
        batch = self.body.service_tier == "flex"
        return Call(
            model=self.body.model,
            task="chat",
            given={**given, **beside(self.body), "seed": self.seed},
            owner=self.caller.owner,
            batch=batch,
        )

    def so_far(self) -> Response:
        """The response as it is now."""
        return self.telling.so_far()

    # --- the engine -------------------------------------------------------------------------------

    async def events(self) -> AsyncGenerator[Event, None]:
        """Of the chat. What is over the context is shortened where that was asked for."""
        while True:
            begun = False
            running: Any = self.service.engines.run(self.call())
            running = renamed(running, NAMES)
            try:
                async with aclosing(running) as events:
                    async for one in events:
                        begun = True
                        yield one
                return
            except Failure as failure:
                if begun or failure.code != OVER_CONTEXT or not self._shorten():
                    raise

    def _shorten(self) -> bool:
        """Without the oldest turn; false where nothing can be left out."""
        if self.body.truncation != "auto":
            return False
        starts = [n for n, item in enumerate(self.asked) if item.get("role") in _ASKS]
        if len(starts) < 2:
            return False
        self.asked = self.asked[starts[1] :]
        return True

    # --- three ways of telling --------------------------------------------------------------------

    async def whole(self) -> Response:
        """The response once it is made."""
        async with aclosing(self.events()) as events:
            async for one in events:
                for _ in self.telling.of(one):
                    pass
        await self.keep()
        return self.telling.response

    async def pieces(self) -> Pieces:
        """The events as they come; the last one is told once the response is on disk."""
        await self.prepare()
        begun = False
        try:
            async with aclosing(self.events()) as events:
                async for one in events:
                    told = [*([] if begun else self._opening()), *self.telling.of(one)]
                    begun = True
                    if one.kind == "done":
                        await self.keep()
                    if told:
                        yield b"".join(map(_piece, told))
        except Failure as failure:
            if not begun:
                raise
            last = b"".join(map(_piece, self.telling.failed(failure)))
            await self.keep()
            yield last

    def _opening(self) -> Iterable[Told]:
        yield from self.telling.created()
        yield from self.telling.started()

    async def aside(self, run: Run) -> None:
        """In the background: the events go into the run; the last one is told once the response is
        on disk, whatever ended it."""
        telling, last = self.telling, list[bytes]()
        run.tell(*map(_piece, telling.started()))
        try:
            async with aclosing(self.events()) as events:
                async for one in events:
                    last = list(map(_piece, telling.of(one)))
                    if one.kind != "done":
                        run.tell(*last)
        except Failure as failure:
            last = list(map(_piece, telling.failed(failure)))
        except asyncio.CancelledError:
            ending = telling.cancelled() if run.cancelled else telling.failed(STOPPED)
            last = list(map(_piece, ending))
        except Exception:
            _log.exception("a response failed in the background")
            last = list(map(_piece, telling.failed(BROKEN)))
        await self._end_aside(run, last)

    async def _end_aside(self, run: Run, last: list[bytes]) -> None:
        try:
            await self.renew([*run.log, *last])
            await in_thread(unnoted, self.service.records.documents, self.response["id"])
        except Failure as failure:
            last = list(map(_piece, self.telling.failed(failure)))
        run.tell(*last)

    # --- onto disk --------------------------------------------------------------------------------

    async def keep(self) -> None:
        response = self.telling.response
        await self._join(response)
        if response["store"]:
            documents, owner = self.service.records.documents, self.caller.owner
            context = self.context if self.within is not None else ()
            await in_thread(keep, documents, owner, response, given=self.given, context=context)

    async def begin_aside(self) -> list[bytes]:
        """On disk as it is at first, with what it takes to make it again; its first events."""
        documents, owner = self.service.records.documents, self.caller.owner
        context = self.context if self.within is not None else ()
        asked = self.body.model_dump(mode="json", by_alias=True, exclude_unset=True)
        told, id = self.beginning(), self.response["id"]

        def on_disk() -> None:
            keep(
                documents,
                owner,
                self.response,
                given=self.given,
                context=context,
                events=[],
                asked={**asked, "seed": self.seed},
            )
            holder = self.service.jobs.runner.alive.me
            noted(documents, id, owner=owner, key=self.caller.key, holder=holder)

        await in_thread(on_disk)
        return told

    def beginning(self) -> list[bytes]:
        """The first events of what is made in the background."""
        return list(map(_piece, self.telling.created()))

    async def renew(self, log: Sequence[bytes]) -> None:
        response = self.telling.response
        await self._join(response)
        events = [piece.decode() for piece in log]
        await in_thread(renew, self.service.records.documents, self.caller.owner, response, events)

    async def _join(self, response: Response) -> None:
        """What was said goes into the conversation, where there is one."""
        if self.within is not None and response["status"] in ("completed", "incomplete"):
            said = [*self.given, *response["output"]]
            documents, owner = self.service.records.documents, self.caller.owner
            await in_thread(add_items, documents, owner, self.within, said)


def _piece(told: Told) -> bytes:
    return event(told, told["type"])
