"""Files checked for where they come from, one after the other, in a process of its own.

Knows that process: it is started when it is needed, ended when it was idle, and replaced where a
file was too much for it. What is found out is hosting's.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

from genloom.server.failure import Failure
from genloom.wire import Frames, frame

MODULE = "genloom.hosting.verifying"
WAITING, SECONDS, IDLE = 16, 90.0, 120.0
PIECE = 1 << 20


class Verifying:
    """`close` ends the process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._inside = 0
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def __call__(
        self, data: bytes, name: str, record: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What is found out: found, intact, content, licence, record, faults. record: what is kept
        beside the file. Failure 503 where too many wait, 400 where the file is too much."""
        if self._inside > WAITING:
            raise Failure(503, "many files are being checked: try later", code="overloaded")
        self._inside += 1
        try:
            async with self._turn:
                return await self._checked(data, {"name": name, "record": record})
        finally:
            self._inside -= 1

    async def close(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def _checked(self, data: bytes, about: Mapping[str, Any]) -> dict[str, Any]:
        whole = False
        try:
            async with asyncio.timeout(SECONDS):
                found = await self._asked(data, about)
            whole = found is not None
        except (TimeoutError, ConnectionError, ValueError):
            found = None
        finally:
            if not whole:
                await self.close()
        if found is None:
            told = "file: it cannot be read within the limits of a check"
            raise Failure(400, told, code="invalid_file", param="file")
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._rest)
        return found

    async def _asked(self, data: bytes, about: Mapping[str, Any]) -> dict[str, Any] | None:
        """None where the process ended over it."""
        process = await self._alive()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(frame(about, {"file": data}))
        await process.stdin.drain()
        frames = Frames()
        while piece := await process.stdout.read(PIECE):
            if messages := frames.feed(piece):
                found: dict[str, Any] = messages[0].values["verdict"]
                return found
        return None

    async def _alive(self) -> asyncio.subprocess.Process:
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None and self._process.returncode is not None:
            await self.close()
        if self._process is None:
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", MODULE),
                stdin=pipe,
                stdout=pipe,
                stderr=asyncio.subprocess.DEVNULL,
            )
        return self._process

    def _rest(self) -> None:
        """Its input ends, and so does it."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
