"""Files checked for where they come from, in a process of its own for each.

Knows the process and its limits; what is found out is hosting's.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from genloom.server.failure import Failure
from genloom.wire import Frames, frame

MODULE = "genloom.hosting.verifying"
AT_ONCE, WAITING, SECONDS = 2, 16, 90.0


class Verifying:
    """A few checks at a time; a few more wait, the rest is refused."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def __call__(self, data: bytes, name: str) -> dict[str, Any]:
        """What is found out: found, intact, content, licence, record, faults."""
        if self._inside >= AT_ONCE + WAITING:
            raise Failure(503, "many files are being checked: try later", code="overloaded")
        self._inside += 1
        try:
            async with self._room:
                return await self._checked(data, name)
        finally:
            self._inside -= 1

    async def _checked(self, data: bytes, name: str) -> dict[str, Any]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(SECONDS):
                out, _ = await process.communicate(frame({"name": name}, {"file": data}))
        except TimeoutError:
            raise _unread() from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        messages = Frames().feed(out) if process.returncode == 0 else []
        if not messages:
            raise _unread()
        found: dict[str, Any] = messages[0].values["verdict"]
        return found


def _unread() -> Failure:
    return Failure(
        400,
        "file: it cannot be read within the limits of a check",
        code="invalid_file",
        param="file",
    )
