"""The process in which a model learns, seen from the web process: begun, heard, stopped.

Knows frames and the process (hosting.training); not what is learnt, nor who asked for it.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Self

from genloom import store
from genloom.wire import Frames, frame

MODULE = "genloom.hosting.training"
RECEIVED = 1 << 16


class TrainingProcess:
    """Made by `start`; iterate over `news` until it ends."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, given: Mapping[str, Any], module: str = MODULE) -> Self:
        """A process that does what `given` says; see the module, hosting.training by default."""
        made = cls()
        ours, theirs = socket.socketpair()
        with theirs:
            number = str(theirs.fileno())
            command = [sys.executable, "-m", module, number, str(store.home())]
            made.process = await asyncio.create_subprocess_exec(
                *command, pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL
            )
        made.reader, made.writer = await asyncio.open_connection(sock=ours)
        made.writer.write(frame({"do": "train", **given}))
        return made

    async def news(self) -> AsyncIterator[dict[str, Any]]:
        """What it tells, to its end."""
        frames = Frames()
        with suppress(ConnectionError):
            while data := await self.reader.read(RECEIVED):
                for message in frames.feed(data):
                    yield message.values

    def stop(self) -> None:
        """Have it save a checkpoint and end."""
        with suppress(ProcessLookupError):
            self.process.terminate()

    async def close(self, seconds: float) -> None:
        """It is gone when this returns, at once where it does not end by itself."""
        self.writer.close()
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
