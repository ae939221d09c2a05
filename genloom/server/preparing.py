"""Data sets looked at and trainings planned, each in a process of its own.

Knows that process (hosting/preparing): it is forked by the nursery, bounded in time, and killed
where whoever asked has gone. A few at once; more than WAITING that wait are refused.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from genloom.server.engines.nursery import PREPARING, Nursery
from genloom.server.failure import Failure, failure_of
from genloom.wire import Frames, frame

AT_ONCE, WAITING = 2, 16
PIECE = 1 << 20
DIED = "its process died over this: there may be too little memory for it"


class Preparing:
    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def __call__(self, do: str, given: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """What is found. do: look or plan. Failure as hosting tells it, 503 where too many
        wait, 504 where it takes longer."""
        if self._inside >= WAITING:
            raise Failure(503, "many data sets are being looked at: try later", code="overloaded")
        self._inside += 1
        try:
            async with self._turns, asyncio.timeout(seconds):
                return await self._asked(do, given)
        except TimeoutError:
            told = f"it was not done within {seconds:.0f} s: give less at once"
            raise Failure(504, told, code="deadline_exceeded") from None
        finally:
            self._inside -= 1

    async def _asked(self, do: str, given: Mapping[str, Any]) -> dict[str, Any]:
        ours, theirs = socket.socketpair()
        with theirs:
            born = await self._nursery.bear(theirs, do, PREPARING)
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            writer.write(frame({"do": do, **given}))
            told = await _heard(reader)
        finally:
            born.kill()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        if told is None:
            raise Failure(500, DIED, code="preparing_died")
        if told["say"] == "failed":
            raise failure_of(told["error"])
        found: dict[str, Any] = told["found"]
        return found


async def _heard(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Its one message; None where it ended without."""
    frames = Frames()
    with suppress(ConnectionError):
        while data := await reader.read(PIECE):
            for message in frames.feed(data):
                return message.values
    return None
