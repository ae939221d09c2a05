"""HTTP/1.1 as a client, as cheap as it can be: a request out, the pieces of its answer in, each
with the moment at which it came. Connections are kept and used again. Knows no JSON."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

MOST_HEAD = 1 << 16
Heard = Callable[[bytes, float], None]


class Broken(Exception):
    """The answer ended before it was whole, or was no HTTP. again: nothing of it had come."""

    def __init__(self, why: str, again: bool = False) -> None:
        super().__init__(why)
        self.again = again


class Connection(asyncio.Protocol):
    """One exchange at a time."""

    def __init__(self) -> None:
        self.closed = False
        self.used = 0
        self._transport: asyncio.Transport | None = None
        self._idle()

    def _idle(self) -> None:
        self._held = b""
        self._status = 0
        self._left: int | None = 0  # of the body or the chunk; None: to the end of the connection
        self._chunked = self._in_chunk = self._keeps = False
        self._heard: Heard | None = None
        self._done: asyncio.Future[int] | None = None

    async def ask(self, request: bytes, heard: Heard) -> int:
        """The status once the whole answer came; its body went to `heard` piece by piece."""
        assert self._transport is not None
        self._idle()
        self.used += 1
        self._heard = heard
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._done

    @property
    def status(self) -> int:
        """Of the answer that is coming in; 0 before its head came."""
        return self._status

    def close(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio's side ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._done is None or self._done.done():
            return
        if self._status and self._left is None and not self._chunked:
            self._done.set_result(self._status)
        else:
            nothing = not self._status and not self._held
            self._fail("the connection was closed", again=nothing and self.used > 1)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self._done is None or self._done.done():
            self.close()  # nobody asked
            return
        self._held += data
        try:
            if self._status or self._head():
                self._body(now)
        except ValueError as error:
            self._fail(str(error))

    # --- reading ----------------------------------------------------------------------------------

    def _head(self) -> bool:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            if len(self._held) > MOST_HEAD:
                raise ValueError("the head of the answer has no end")
            return False
        first, *lines = self._held[:end].split(b"\r\n")
        version, code = first.split(b" ")[:2]
        if not version.startswith(b"HTTP/1."):
            raise ValueError("the answer is no HTTP/1.1")
        pairs = (line.lower().partition(b":") for line in lines)
        named = {name.strip(): value.strip() for name, _, value in pairs}
        self._held = self._held[end + 4 :]
        if int(code) // 100 == 1:
            return self._head()
        self._status = int(code)
        self._keeps = version == b"HTTP/1.1" and named.get(b"connection") != b"close"
        self._chunked = named.get(b"transfer-encoding") == b"chunked"
        length = named.get(b"content-length")
        self._left = 0 if self._chunked else None if length is None else int(length)
        return True

    def _body(self, now: float) -> None:
        if self._chunked:
            self._chunks(now)
            return
        data, self._held = self._held, b""
        if data and self._heard is not None:
            self._heard(data, now)
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                self._end()

    def _chunks(self, now: float) -> None:
        held, place, heard = self._held, 0, []
        ended = False
        while True:
            line = held.find(b"\r\n", place)
            if line < 0:
                break
            size = int(held[place:line].split(b";")[0] or b"0", 16)
            if len(held) < line + 4 + size:
                break
            ended = size == 0
            heard.append(held[line + 2 : line + 2 + size])
            place = line + 4 + size
            if ended:
                break
        self._held = held[place:]
        if heard and self._heard is not None:
            self._heard(b"".join(heard), now)
        if ended:
            self._end()

    def _end(self) -> None:
        if not self._keeps:
            self.close()
        if self._done is not None and not self._done.done():
            self._done.set_result(self._status)

    def _fail(self, why: str, again: bool = False) -> None:
        self.close()
        if self._done is not None and not self._done.done():
            self._done.set_exception(Broken(why, again))


class Client:
    """Connections to one server, kept while they live."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        named = f"[{self.host}]" if ":" in self.host else self.host
        self._headers = f"Host: {named}:{self.port}\r\nUser-Agent: genloom-bench\r\n"
        if key:
            self._headers += f"Authorization: Bearer {key}\r\n"
        self._free: list[Connection] = []

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        heard: Heard = lambda data, now: None,
        headers: Mapping[str, str] | None = None,
        watch: Callable[[Connection], None] | None = None,
    ) -> int:
        """An answer's status. OSError or Broken where none came. Cancelled: hung up.

        watch: is handed the connection before anything is sent."""
        more = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        if body:
            more += "Content-Type: application/json\r\n"
        head = (
            f"{method} {path} HTTP/1.1\r\n{self._headers}{more}Content-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        while True:
            connection = await self._connection()
            if watch is not None:
                watch(connection)
            try:
                status = await connection.ask(request, heard)
            except Broken as error:
                if error.again:  # it was closed while it lay idle
                    continue
                raise
            except asyncio.CancelledError:
                connection.close()
                raise
            if not connection.closed:
                self._free.append(connection)
            return status

    async def _connection(self) -> Connection:
        while self._free:
            found = self._free.pop()
            if not found.closed:
                return found
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, self.host, self.port, ssl=self.tls)
        return made

    def close(self) -> None:
        for one in self._free:
            one.close()
        self._free.clear()
