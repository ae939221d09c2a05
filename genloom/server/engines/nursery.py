"""The process that makes hosts (hosting/nursery.py), seen from the web process.

It is started with the first host, and anew where it died; hosts outlive it. Knows descriptors and
process numbers; not what a host says.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from genloom.server.failure import Failure

LOG = logging.getLogger("genloom.engines")
LONGEST_LINE, CLOSING = 4096, 10.0  # bytes, seconds
HOST, PREPARING = b"+", b"?"  # what hosting/nursery.py can make
T = TypeVar("T")


@dataclass(eq=False, kw_only=True)
class Born:
    """A host's process. ended: its exit status, once it is known; None where nobody saw it end."""

    pid: int
    ended: asyncio.Future[int | None]

    def kill(self) -> None:
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Nursery:
    def __init__(self, home: Path | None = None) -> None:
        self.home = home
        self.children: dict[int, Born] = {}
        self.process: asyncio.subprocess.Process | None = None
        self._birth: asyncio.Future[Born | None] | None = None  # that is waited for
        self._one = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def bear(self, link: socket.socket, name: str, what: bytes = HOST) -> Born:
        """A new host (or what else is made) on the other end of this socket; what it writes is
        logged under that name."""
        return await asyncio.shield(self._watch(self._bear(link.dup(), name, what)))

    async def _bear(self, link: socket.socket, name: str, what: bytes) -> Born:
        with link:
            return await self._born(link, name, what)

    async def _born(self, link: socket.socket, name: str, what: bytes) -> Born:
        async with self._one:
            if self.process is None:
                await self._start()
            errors, written = os.pipe()
            self._watch(follow(errors, name))
            self._birth = asyncio.get_running_loop().create_future()
            try:
                socket.send_fds(self.control, [what], [link.fileno(), written])
                born = await self._birth
            except OSError as error:
                raise gone() from error
            finally:
                self._birth = None
                os.close(written)
            if born is None:
                raise gone()
            return born

    def warm(self) -> None:
        """Be there before a host is wanted."""
        self._watch(self._warm())

    async def _warm(self) -> None:
        async with self._one:
            if self.process is None:
                with suppress(OSError):  # whoever wants a host is told
                    await self._start()

    async def _start(self) -> None:
        self.control, theirs = socket.socketpair()
        errors, written = os.pipe()
        command = [sys.executable, "-m", "genloom.hosting.nursery", str(theirs.fileno())]
        command += [] if self.home is None else [str(self.home)]
        with theirs:
            try:
                self.process = await asyncio.create_subprocess_exec(
                    *command,
                    pass_fds=(theirs.fileno(),),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=written,
                    start_new_session=True,
                )
            finally:
                os.close(written)
        self._watch(follow(errors, "nursery"))
        self._watch(self._listen(self.process))

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                told = json.loads(line)
            except ValueError:  # half a line of one that was killed
                break
            if "born" in told:
                ended = asyncio.get_running_loop().create_future()
                born = self.children[told["born"]] = Born(pid=told["born"], ended=ended)
                self._said(born)
            elif (born := self.children.pop(told["ended"], None)) is not None:
                born.ended.set_result(told["status"])
        self._lost()
        await process.wait()

    def _lost(self) -> None:
        self.process = None
        self.control.close()
        for born in self.children.values():
            born.ended.set_result(None)
        self.children.clear()
        self._said(None)

    def _said(self, born: Born | None) -> None:
        if self._birth is not None and not self._birth.done():
            self._birth.set_result(born)

    async def close(self) -> None:
        """Once no host is wanted any more."""
        async with self._one:
            if self.process is not None:
                self.control.shutdown(socket.SHUT_RDWR)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING)
        process = self.process
        if process is not None:
            process.kill()
        for task in self._tasks:
            task.cancel()  # such as what follows a pipe that somebody else holds open
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if process is not None:
            self._lost()
            await process.wait()

    def _watch(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def gone() -> Failure:
    message = "no process for an engine could be made: try again"
    return Failure(503, message, code="engine_unavailable")


async def follow(errors: int, name: str) -> None:
    """Log what is written to a pipe, a line at a time, to its end."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(errors, "rb", 0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while line := await _line(reader):
            shown = line.decode("utf-8", "replace").rstrip()
            LOG.warning("%s: %s", name, shown.encode("unicode_escape").decode())
    finally:
        transport.close()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line, or as much of it as is logged at once."""
    try:
        return await reader.readuntil()
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await reader.readexactly(min(error.consumed, LONGEST_LINE))
