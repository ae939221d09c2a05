"""Bodies: their size, their time, their form; and clients that leave before the answer is whole.

A body is held whole before its route runs, except on the routes that take files: those read it
piece by piece. Knows limits and a table of routes; nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genloom.server.failure import Failure
from genloom.server.layers.answering import Left
from genloom.server.settings import Limits
from genloom.server.strict_json import strict_json
from genloom.server.threads import in_thread

FILES = re.compile("/v1/files|/v1/uploads/[^/]+/parts")  # bodies as large as a file
LARGE_HEAD = "headers_too_large"
FORMS = ("application/json", "multipart/form-data")
QUICK = 1 << 18  # bytes of JSON that are read beside nothing else
GRACE = 30.0  # engines end what is over its time themselves, and say so better
NOTHING: Message = {"type": "http.request", "body": b"", "more_body": False}


class Receiving:
    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.held = 0  # bytes of all bodies that are in memory now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        takes_files = _takes_files(scope["path"])
        limit = self.limits.file_bytes if takes_files else self.limits.body_bytes
        _check_head(scope, self.limits)
        _check_length(told, limit)
        if takes_files:
            body = Body(receive, limit, self.limits.idle_seconds)
            await _attended(self.app, scope, send, self.limits, body)
            return
        async with self._whole(receive, limit) as data:
            await _check_form(data, told.get("content-type", ""), self.limits)
            scope["state"]["body"] = data
            body = Body(receive, limit, self.limits.idle_seconds, data)
            await _attended(self.app, scope, send, self.limits, body)

    @asynccontextmanager
    async def _whole(self, receive: Receive, limit: int) -> AsyncIterator[bytes]:
        """The body, whose bytes are counted until the answer is out."""
        data = bytearray()
        try:
            try:
                async with asyncio.timeout(self.limits.body_seconds):
                    while await self._piece(receive, data, limit):
                        pass
            except TimeoutError:
                raise _too_slow() from None
            yield bytes(data)
        finally:
            self.held -= len(data)

    async def _piece(self, receive: Receive, data: bytearray, limit: int) -> bool:
        """Whether more comes."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Left
        piece = message.get("body", b"")
        data += piece
        self.held += len(piece)
        if len(data) > limit:
            raise _too_large(limit)
        if self.held > self.limits.bodies_bytes:
            raise Failure(503, "the server holds too many bodies", code="overloaded")
        return bool(message.get("more_body", False))


class Body:
    """What is left of a body, and then word of the client's leaving. held: it came already."""

    def __init__(
        self, receive: Receive, limit: int, idle: float, held: bytes | None = None
    ) -> None:
        self._receive, self._limit, self._idle = receive, limit, idle
        self._held = held
        self._size = 0
        self.whole, self.left = asyncio.Event(), asyncio.Event()
        if held is not None:
            self.whole.set()

    async def receive(self) -> Message:
        if self._held is not None:
            data, self._held = self._held, None
            return {"type": "http.request", "body": data, "more_body": False}
        if self.whole.is_set():
            await self.left.wait()
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError:
            raise _too_slow() from None
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise _too_large(self._limit)
        if message["type"] == "http.disconnect":
            raise Left
        if not message.get("more_body", False):
            self.whole.set()
        return message

    async def wait_until_left(self) -> None:
        await self.whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left.set()


async def _attended(app: ASGIApp, scope: Scope, send: Send, limits: Limits, body: Body) -> None:
    """Runs the route; it is cancelled when its client leaves, takes nothing, or time is up."""
    task = asyncio.current_task()
    assert task is not None
    out, left = Outward(send, limits.taking_seconds), False

    async def watching() -> None:
        nonlocal left
        await body.wait_until_left()
        if not out.ended:
            left = True
            task.cancel()

    watch = asyncio.create_task(watching())
    limit = asyncio.timeout(limits.request_seconds + GRACE)
    try:
        async with limit:
            await app(scope, body.receive, out.send)
    except asyncio.CancelledError:
        if not left or task.uncancel():  # somebody else's doing
            raise
        if not out.ended:  # the last of it may go out between the call to end and the end
            raise Left from None
    except TimeoutError:
        if not limit.expired():
            raise
        if out.started:
            raise Left from None
        raise Failure(504, "this took too long", code="timeout") from None
    finally:
        watch.cancel()


class Outward:
    """The answer's way out; a client that takes nothing for too long counts as gone."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send, self._seconds = send, seconds
        self.started = self.ended = False

    async def send(self, message: Message) -> None:
        body = message["type"] == "http.response.body"
        self.started, self.ended = True, body and not message.get("more_body", False)
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            raise Left from None


def _takes_files(path: str) -> bool:
    return FILES.fullmatch(path) is not None


def _check_head(scope: Scope, limits: Limits) -> None:
    """What came in one piece was parsed before anybody could measure it."""
    size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if size + len(scope["raw_path"]) + len(scope["query_string"]) > limits.head_bytes:
        raise Failure(431, f"a head of more than {limits.head_bytes:,} bytes", code=LARGE_HEAD)
    if len(scope["headers"]) > limits.headers:
        raise Failure(431, f"more than {limits.headers} headers", code=LARGE_HEAD)


def _check_length(told: dict[str, str], limit: int) -> None:
    if told.get("content-encoding", "identity").strip().lower() != "identity":
        raise Failure(415, "bodies are taken without content-encoding", code="content_encoding")
    if int(told.get("content-length", "0")) > limit:
        raise _too_large(limit)


async def _check_form(data: bytes, content_type: str, limits: Limits) -> None:
    if not data:
        return
    form = content_type.partition(";")[0].strip().lower()
    if form not in FORMS:
        raise Failure(415, f"say content-type: {' or '.join(FORMS)}", code="content_type")
    if form == FORMS[0] and len(data) > QUICK:
        await in_thread(strict_json, data, limits.json_depth, limits.json_values)
    elif form == FORMS[0]:
        strict_json(data, limits.json_depth, limits.json_values)


def _too_large(limit: int) -> Failure:
    return Failure(413, f"the body is larger than {limit:,} bytes", code="body_too_large")


def _too_slow() -> Failure:
    return Failure(408, "the body came too slowly", code="request_timeout")
