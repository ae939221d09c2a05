"""A server of known times: it answers in OpenAI's shape without a model, so that what the driver
measures can be held against what was done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Clockwork:
    """wait: before the first token; gap: between tokens; slots: answers at once; ending: what
    comes after the tokens; keeps: whether a connection is used again."""

    wait: float = 0.05
    gap: float = 0.01
    slots: int = 10_000
    status: int = 200
    ending: str = "done"  # done, error, cut, silent
    keeps: bool = True
    usage: bool = True
    two_in_one: bool = False  # a piece holds two tokens
    room: asyncio.Semaphore | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer) and self.keeps:
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.ended += 1

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        self.headers.append(head)
        length = next(int(x[15:]) for x in head.split(b"\r\n") if x.startswith(b"Content-Length"))
        body = json.loads(await reader.readexactly(length) or b"{}")
        if head.startswith(b"GET"):
            told = {"data": [{"id": "clock"}]}
            return await self._whole(writer, 200, told)
        self.asked.append(body)
        if self.status != 200:
            told = {"error": {"message": "no", "type": "a", "code": "full"}}
            return await self._whole(writer, self.status, told)
        return await self._stream(writer, body)

    async def _whole(self, writer: asyncio.StreamWriter, status: int, told: Any) -> bool:
        data = json.dumps(told).encode()
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(data)) + data)
        await writer.drain()
        return True

    async def _stream(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> bool:
        keeps = b"keep-alive" if self.keeps else b"close"
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: " + keeps + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        pieces = body["max_tokens"] // (2 if self.two_in_one else 1)
        assert self.room is not None
        async with self.room:
            await asyncio.sleep(self.wait)
            for number in range(pieces):
                if number:
                    await asyncio.sleep(self.gap)
                await self._event(writer, piece(body, f"{number} "))
        if self.ending == "cut":
            writer.transport.abort()
            return False
        if self.ending == "error":
            await self._event(writer, {"error": {"type": "server_error", "code": "broken"}})
        if self.ending == "done":
            await self._event(writer, piece(body, "", "length"))
            if self.usage:
                told = {"completion_tokens": body["max_tokens"], "prompt_tokens": 7}
                await self._event(writer, {"choices": [], "usage": told})
            writer.write(chunk(b"data: [DONE]\n\n"))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _event(self, writer: asyncio.StreamWriter, told: dict[str, Any]) -> None:
        writer.write(chunk(b": ping\n\ndata: " + json.dumps(told).encode() + b"\n\n"))
        await writer.drain()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def piece(body: dict[str, Any], text: str, finish: str | None = None) -> dict[str, Any]:
    held = {"delta": {"content": text}} if "messages" in body else {"text": text}
    return {"choices": [{"index": 0, "finish_reason": finish, **held}]}


@asynccontextmanager
async def running(clock: Clockwork) -> AsyncIterator[str]:
    """The server's address while it runs."""
    clock.room = asyncio.Semaphore(clock.slots)
    server = await asyncio.start_server(clock.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    while clock.connections > clock.ended:  # the driver hung up; what it left ends by itself
        await asyncio.sleep(0.01)
