"""One host process seen from the web process: requests out, their news back by number.

Knows frames and the process; not what is asked, who asks, or when it is started again.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from genloom.server.call import Call, Event
from genloom.server.failure import Failure, failure_of
from genloom.wire import Frames, frame

RECEIVED = 1 << 20


class HostProcess:
    """Made by `start`. `dead` is set once the process is gone."""

    def __init__(self) -> None:
        self.about: Mapping[str, Any] = {}
        self.dead = asyncio.Event()
        self.open: dict[int, asyncio.Queue[Event | Failure]] = {}
        self._number = 0
        self._opened: asyncio.Future[Mapping[str, Any]] | None = None

    @classmethod
    async def start(
        cls, model: str, options: Mapping[str, Any] | None = None, home: Path | None = None
    ) -> HostProcess:
        """A process with the model loaded. Failure where it cannot be."""
        made = cls()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "genloom.hosting", str(theirs.fileno())]
            command += [] if home is None else [str(home)]
            made.process = await asyncio.create_subprocess_exec(
                *command, pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL
            )
        made.reader, made.writer = await asyncio.open_connection(sock=ours)
        made._opened = asyncio.get_running_loop().create_future()
        made._listening = asyncio.create_task(made._listen())
        made._send({"do": "open", "model": model, "options": dict(options or {})})
        made.about = await made._opened
        return made

    async def run(self, call: Call) -> AsyncIterator[Event]:
        self._number += 1
        number, news = self._number, asyncio.Queue[Event | Failure]()
        self.open[number] = news
        given = dict(call.given)
        self._send({"do": "make", "id": number, "task": call.task, "given": given}, call.blobs)
        try:
            while True:
                event = await news.get()
                if isinstance(event, Failure):
                    raise event
                yield event
                if event.kind == "done":
                    return
        finally:
            if self.open.pop(number, None) is not None and not self.dead.is_set():
                self._send({"do": "cancel", "id": number})

    async def close(self) -> None:
        if not self.dead.is_set():
            self._send({"do": "close"})
        await self.process.wait()
        await self._listening

    def _send(self, values: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> None:
        self.writer.write(frame(values, blobs))

    async def _listen(self) -> None:
        frames = Frames()
        try:
            while data := await self.reader.read(RECEIVED):
                for message in frames.feed(data):
                    self._hear(message.values, message.blobs)
        except (ConnectionError, ValueError):
            self.process.kill()
        finally:
            self._end()

    def _end(self) -> None:
        self.dead.set()
        gone = Failure(
            500,
            "the engine stopped while it worked on this: send it again",
            code="engine_restarted",
        )
        for news in self.open.values():
            news.put_nowait(gone)
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(gone)
        self.writer.close()

    def _hear(self, values: dict[str, Any], blobs: dict[str, bytes]) -> None:
        if values["say"] == "news":
            for one in values["of"]:
                self._pass_on(one, blobs)
        elif values["say"] == "ready" and self._opened is not None:
            self._opened.set_result(values["about"])
        elif values["say"] == "failed" and self._opened is not None:
            self._opened.set_exception(failure_of(values["error"]))

    def _pass_on(self, one: dict[str, Any], blobs: dict[str, bytes]) -> None:
        news = self.open.get(one.pop("id"))
        if news is None:
            return
        kind, blob = one.pop("kind"), blobs.get(one.pop("blob", ""))
        news.put_nowait(
            failure_of(one) if kind == "error" else Event(kind=kind, values=one, blob=blob)
        )
