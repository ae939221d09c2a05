"""A question to the records that many wait for: asked once for all of them, believed for a moment.

Nobody stands in line: who comes while it is being asked waits for the same answer, and all of them
go on together. (A lock would let one through in each turn of the loop, and who comes later would
stand behind.) Knows no records and no question.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """ask: gives the answer; fresh: seconds for which it is believed."""

    def __init__(self, ask: Callable[[], Awaitable[T]], fresh: float) -> None:
        self.ask, self.fresh = ask, fresh
        self._answer: tuple[float, T] | None = None
        self._asking: asyncio.Task[T] | None = None

    @property
    def believed(self) -> T | None:
        """The last answer, however old; None where there was none."""
        return None if self._answer is None else self._answer[1]

    async def __call__(self) -> T:
        """The answer, at most so old. Raises what asking raised; a waiter that is cancelled leaves
        the others waiting."""
        if self._answer is not None and time.monotonic() - self._answer[0] <= self.fresh:
            return self._answer[1]
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked())
            self._asking.add_done_callback(_heard)
        return await asyncio.shield(self._asking)

    async def _asked(self) -> T:
        answer = await self.ask()
        if asyncio.current_task() is self._asking:  # else it was forgotten meanwhile
            self._answer = time.monotonic(), answer
        return answer

    def forget(self) -> None:
        """Ask anew, whatever is being asked now."""
        self._answer = self._asking = None


def _heard(task: asyncio.Task[T]) -> None:
    """An error that nobody waits for any more is no one's."""
    if not task.cancelled():
        task.exception()
