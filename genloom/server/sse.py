"""Server-sent events: the one writer of every stream, and what an event looks like.

Knows pieces of bytes that come now and then, and a client that may leave or read slowly; neither
models nor what the pieces say. The status waits for the first piece, at most for the time of one
ping, so that what is refused at once has a status of its own. A stream never just stops: what goes
wrong in the middle is told as a last event.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from genloom.server.failure import Failure

PING = 10.0  # seconds of silence until a comment says that the server is there
SLOW = 60.0  # seconds in which a client may take nothing
MOST = 1 << 18  # bytes that wait for a client; then its source waits, too
DONE = b"data: [DONE]\n\n"
_COMMENT = b": ping\n\n"
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
_log = logging.getLogger(__name__)

Pieces = AsyncGenerator[bytes, None]


def written(value: Any) -> str:
    """JSON on one line, as it stands in an event."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def event(value: Any, name: str | None = None) -> bytes:
    """One event; `name` is its type, where it has one."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {written(value)}\n\n".encode()


def failed(failure: Failure) -> bytes:
    """The last event of a stream that cannot go on."""
    return event(failure.body(), "error")


class EventStream(Response):
    """The answer that writes `pieces` as they come; all that waits goes out in one write.

    told: the last event where the source fails. ping: seconds of silence until a comment.
    slow: seconds in which the client takes nothing, after which it counts as gone.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        pieces: Pieces,
        *,
        told: Callable[[Failure], bytes] = failed,
        headers: Mapping[str, str] | None = None,
        ping: float = PING,
        slow: float = SLOW,
    ) -> None:
        super().__init__(headers={**_HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self.pieces, self.told, self.ping, self.slow = pieces, told, ping, slow
        self.failure: Failure | None = None
        self._waiting: list[bytes] = []
        self._size = 0
        self._ended = self._left = self._silent = self._sent = False
        self._stuck = 0.0  # seconds since the client took something, to the ping
        self._bell: asyncio.Future[None] | None = None  # rung when there is something to do
        self._room = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fill, watch = asyncio.create_task(self._fill()), asyncio.create_task(self._watch(receive))
        write = asyncio.create_task(self._write(send))
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self.ping, self._tick, write)
        try:
            await asyncio.wait((watch, write), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._timer.cancel()
            for task in (fill, watch, write):
                task.cancel()
            _, _, outcome = await asyncio.gather(fill, watch, write, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome

    # --- the source -------------------------------------------------------------------------------

    async def _fill(self) -> None:
        try:
            async for piece in self.pieces:
                self._waiting.append(piece)
                self._size += len(piece)
                self._ring()
                if self._size > MOST:
                    self._room.clear()
                    await self._room.wait()
        except Failure as failure:
            self.failure = failure
        except Exception:
            _log.exception("a stream failed")
            self.failure = Failure(500, "the server failed on this: send it again")
        finally:
            self._ended = True
            self._ring()
            await self.pieces.aclose()

    # --- the client -------------------------------------------------------------------------------

    async def _watch(self, receive: Receive) -> None:
        """Until the client leaves."""
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _write(self, send: Send) -> None:
        await self._woken()
        if self.failure is not None and not self._waiting:
            raise self.failure
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while (part := self._taken()) or not self._ended:
            if part:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                self._sent = True
                self._room.set()
            else:
                await self._woken()
        last = b"" if self.failure is None else self.told(self.failure)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    def _taken(self) -> bytes:
        """All that waits; a comment where it is time for one."""
        part = b"".join(self._waiting) or (_COMMENT if self._silent else b"")
        self._waiting, self._size, self._silent = [], 0, False
        return part

    # --- who wakes whom ---------------------------------------------------------------------------

    def _ring(self) -> None:
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def _woken(self) -> None:
        """Until something waits, the source has ended, or it is time for a comment."""
        if not (self._waiting or self._ended or self._silent):
            self._bell = self._loop.create_future()
            await self._bell

    def _tick(self, write: asyncio.Task[None]) -> None:
        """Once in the time of a ping: say something, or give up a client that takes nothing."""
        self._stuck = 0.0 if self._sent or not self._waiting else self._stuck + self.ping
        if self._stuck >= self.slow:
            write.cancel()
            return
        if not self._sent:
            self._silent = True
            self._ring()
        self._sent = False
        self._timer = self._loop.call_later(self.ping, self._tick, write)
