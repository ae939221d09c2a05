"""One host process seen from the web process: requests out, their news back by number.

Knows frames and the process; not what is asked, who asks, or when it is started again.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from genloom.errors import ResourceError
from genloom.server.call import Call
from genloom.server.engines.nursery import LOG, Born, Nursery
from genloom.server.failure import Failure, failure_of
from genloom.wire import Frames, Message, frame

CLOSING = 5.0  # seconds that a host has to end by itself
BROKEN = (ValueError, KeyError, TypeError, AttributeError, ResourceError)  # of a frame


class Died(Exception):
    """The process ended before it was ready."""


class Listener(Protocol):
    """Who is told what becomes of one request. Neither may raise."""

    def hear(self, kind: str, values: dict[str, Any], blob: bytes | None) -> None: ...

    def fail(self, failure: Failure) -> None: ...


class HostProcess(asyncio.Protocol):
    """Made by `start`. about: what it told of its model; stats: what it tells while it lives;
    heard: when it said something last. `ended` is called once when the process is gone, with the
    listeners that were left."""

    def __init__(self, name: str, born: Born, ended: Callable[[HostProcess], None]) -> None:
        self.name, self.born, self.ended = name, born, ended
        self.about: Mapping[str, Any] = {}
        self.stats: Mapping[str, Any] = {}
        self.listeners: dict[int, Listener] = {}
        self.dead = self.closing = False
        self.loop = asyncio.get_running_loop()
        self.since = self.heard = self.loop.time()
        self._number = 0
        self._frames = Frames()
        self._opened: asyncio.Future[Mapping[str, Any]] = self.loop.create_future()
        self._gone: asyncio.Future[None] = self.loop.create_future()

    @classmethod
    async def start(
        cls,
        nursery: Nursery,
        folder: Path,
        ended: Callable[[HostProcess], None],
        options: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> HostProcess:
        """A process with the model loaded. Failure where it cannot be, Died where it ended."""
        try:
            async with asyncio.timeout(seconds):
                made = await cls._made(nursery, folder.name, ended)
                await made._open({"model": str(folder), "options": dict(options or {})})
        except TimeoutError as error:
            message = f"{folder.name} did not load in {seconds:g} s"
            raise Failure(503, message, code="engine_unavailable") from error
        return made

    @classmethod
    async def _made(
        cls, nursery: Nursery, name: str, ended: Callable[[HostProcess], None]
    ) -> HostProcess:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                made = cls(name, await nursery.bear(theirs, name), ended)
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        await made.loop.connect_accepted_socket(lambda: made, ours)
        return made

    async def _open(self, given: Mapping[str, Any]) -> None:
        self._send({"do": "open", **given})
        try:
            self.about = await self._opened
        except BaseException:
            self.kill()
            raise

    # --- out --------------------------------------------------------------------------------------

    def begin(self, call: Call, listener: Listener) -> int:
        """Hand a request over; its number. Failure where it is no frame."""
        self._number += 1
        values = {"do": "make", "id": self._number, "task": call.task, "given": dict(call.given)}
        try:
            data = frame(values, call.blobs)
        except ResourceError as error:
            raise Failure(413, str(error), code="request_too_large") from error
        except (ValueError, TypeError) as error:
            raise Failure(400, f"the request is no JSON: {error}", code="invalid_value") from error
        if not self.listeners:
            self.heard = self.loop.time()
        self.listeners[self._number] = listener
        self.transport.write(data)
        return self._number

    def cancel(self, number: int) -> None:
        """At once; the host hears it before its next step."""
        if self.listeners.pop(number, None) is not None and not self.dead:
            self._send({"do": "cancel", "id": number})

    def kill(self) -> None:
        self.born.kill()
        self.transport.abort()

    async def close(self, seconds: float = CLOSING) -> None:
        """Ask it to end, and make it after so many seconds."""
        if not self.dead:
            self._send({"do": "close"})
            await asyncio.wait([self._gone], timeout=seconds)
            self.kill()
        await self._gone
        await asyncio.wait([self.born.ended], timeout=seconds)

    async def gone(self) -> None:
        """Once it has ended."""
        await asyncio.wait([self._gone])

    def _send(self, values: Mapping[str, Any]) -> None:
        self.transport.write(frame(values))

    # --- in ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard = self.loop.time()
        try:
            messages = self._frames.feed(data)
        except BROKEN as error:
            self._break(error)
            return
        for message in messages:
            self._hear(message)

    def _hear(self, message: Message) -> None:
        values = message.values
        try:
            said = values["say"]
            if said == "news":
                told = [self._one(one, message.blobs) for one in values["of"]]
            else:
                self._state(said, values)
                return
        except BROKEN as error:
            self._break(error)
            return
        for number, kind, rest, blob in told:
            self._pass_on(number, kind, rest, blob)

    def _one(
        self, one: dict[str, Any], blobs: Mapping[str, bytes]
    ) -> tuple[int, str, dict[str, Any], bytes | None]:
        number, kind = one.pop("id"), one.pop("kind")
        name = one.pop("blob", None)
        return number, kind, one, None if name is None else blobs[name]

    def _pass_on(self, number: int, kind: str, values: dict[str, Any], blob: bytes | None) -> None:
        last = kind in ("done", "error")
        ours = self.listeners.pop(number, None) if last else self.listeners.get(number)
        if ours is None:
            return
        if kind == "error":
            ours.fail(failure_of(values))
        else:
            ours.hear(kind, values, blob)

    def _state(self, said: str, values: dict[str, Any]) -> None:
        if said == "alive":
            self.stats = values["stats"]
        elif said == "ready" and not self._opened.done():
            self._opened.set_result(values["about"])
        elif said == "failed" and not self._opened.done():
            self._opened.set_exception(failure_of(values["error"]))

    def _break(self, error: Exception) -> None:
        LOG.error("%s: its engine sent what is no message (%s): it is ended", self.name, error)
        self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        self.dead = True
        self.born.kill()  # a process without its socket is of no use
        if not self._opened.done():
            self._opened.set_exception(Died(self.name))
            self._opened.exception()  # whoever waited has gone
        self._gone.set_result(None)
        self.ended(self)
