"""Idempotency-Key: a POST that carries one is carried out once, and answered alike ever after.

A stream, an upload and an answer that says "ask again" are not kept: their key is free again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genloom.server.failure import Failure
from genloom.server.records.idempotency import LARGEST, Answer
from genloom.server.service import Service
from genloom.server.threads import in_thread

HEADER = b"idempotency-key"
AGAIN = frozenset({408, 409, 429, 499})  # and all from 500: nothing was done
REPLAYED = {"idempotency-replayed": "true"}


class Idempotent:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if not key:
            await self.app(scope, receive, send)
            return
        if "body" not in scope["state"]:
            raise Failure(
                400, "uploads take no Idempotency-Key", code="idempotency", param="Idempotency-Key"
            )
        # Goes on where the client leaves: it will ask again, and must not have it done twice. The
        # claim is inside, so that leaving cannot come between it and the work.
        task = asyncio.create_task(self._once(scope, receive, send, key))
        self.under_way.add(task)
        task.add_done_callback(self._over)
        await asyncio.shield(task)

    def _over(self, task: asyncio.Task[None]) -> None:
        self.under_way.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may wait for it any more

    async def _once(self, scope: Scope, receive: Receive, send: Send, key: str) -> None:
        service: Service = scope["app"].state.service
        store, owner = service.records.idempotency, scope["state"]["caller"].owner
        told = await in_thread(store.begin, owner, key, _digest(scope))
        if told is not None:
            answer = Response(told.body, told.status, REPLAYED, told.media)
            await answer(scope, receive, send)
            return

        async def settle(made: Answer | None) -> None:
            if made is None:
                await in_thread(store.release, owner, key)
            else:
                await in_thread(store.end, owner, key, made)

        kept = Kept(send, settle)
        body = iter([await receive()])

        async def staying() -> Message:
            """The body; then word that the client left, for streams alone."""
            for message in body:
                return message
            await kept.streams.wait()
            return await receive()

        try:
            await self.app(scope, staying, kept.send)
        finally:
            if not kept.done:
                await settle(None)


class Kept:
    """An answer on its way out: before its last byte leaves it is kept, or its key is free again
    where it cannot be kept, so that who has read it all may ask at once."""

    def __init__(self, send: Send, settle: Callable[[Answer | None], Awaitable[None]]) -> None:
        self._send, self._settle = send, settle
        self._status, self._media = 0, ""
        self._body: bytearray | None = None
        self.done, self.streams = False, asyncio.Event()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message)
        elif message["type"] == "http.response.body":
            if self._body is not None:
                self._body += message.get("body", b"")
                if len(self._body) > LARGEST:
                    self._body = None
            if not message.get("more_body", False):
                await self._settle(self._whole())
                self.done = True
        await self._send(message)

    def _whole(self) -> Answer | None:
        if self._body is None:
            return None
        return Answer(status=self._status, media=self._media, body=bytes(self._body))

    def _begin(self, message: Message) -> None:
        self._status = message["status"]
        headers = {k.lower(): v for k, v in message.get("headers", ())}
        self._media = headers.get(b"content-type", b"application/json").decode("latin-1")
        if "event-stream" in self._media:
            self.streams.set()
        elif self._status < 500 and self._status not in AGAIN:
            self._body = bytearray()


def _key(scope: Scope) -> str:
    if scope["type"] != "http" or scope["method"] != "POST":
        return ""
    return next((v.decode("latin-1") for k, v in scope["headers"] if k == HEADER), "")


def _digest(scope: Scope) -> str:
    """Of all that decides what is asked."""
    parts = (scope["path"].encode("utf-8", "surrogatepass"), scope["query_string"])
    made = hashlib.sha256(b"\0".join((*parts, b"")))
    made.update(scope["state"]["body"])
    return made.hexdigest()
