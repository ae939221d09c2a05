"""Several streams of events as one, each event with the number of its stream; some at a time.

Knows asynchronous generators; no engine and no event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = 8  # streams that are open together
_WAITING = 64  # events that wait for whoever reads them


async def merged(
    starts: Sequence[Callable[[], AsyncGenerator[T, None]]],
) -> AsyncGenerator[tuple[int, T], None]:
    """Each stream is started when its turn comes. The first error ends all of them."""
    if len(starts) == 1:
        async with aclosing(starts[0]()) as only:
            async for one in only:
                yield 0, one
        return
    queue: asyncio.Queue[tuple[int, T] | BaseException | None] = asyncio.Queue(_WAITING)
    free = asyncio.Semaphore(AT_ONCE)

    async def drain(number: int) -> None:
        try:
            async with free, aclosing(starts[number]()) as stream:
                async for one in stream:
                    await queue.put((number, one))
        except Exception as error:
            await queue.put(error)
        else:
            await queue.put(None)

    tasks = [asyncio.create_task(drain(n)) for n in range(len(starts))]
    try:
        left = len(tasks)
        while left:
            told = await queue.get()
            if isinstance(told, BaseException):
                raise told
            if told is None:
                left -= 1
            else:
                yield told
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
