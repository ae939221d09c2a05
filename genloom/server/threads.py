"""Blocking work beside the event loop: short transactions, hashing, files.

A call waits in its own request for one of a few threads (so what waits is bounded by the requests
admitted), and is never left half way: a request that is cancelled waits for the call to end.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CancelScope

P = ParamSpec("P")
T = TypeVar("T")
MOST, DOOR = 16, 2  # the pool of connections holds them all

_pool = ThreadPoolExecutor(MOST, thread_name_prefix="genloom")
_door = ThreadPoolExecutor(DOOR, thread_name_prefix="genloom-door")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, computed in a thread."""
    return await _in(_pool, partial(function, *args, **kwargs))


async def at_the_door(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for what every request waits for before it is let in, such as who asks: it does not
    stand in line behind the files and rows of those who are in."""
    return await _in(_door, partial(function, *args, **kwargs))


async def _in(pool: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    call = partial(contextvars.copy_context().run, function)
    work = asyncio.get_running_loop().run_in_executor(pool, call)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with CancelScope(shield=True):
            await asyncio.wait({work})
        raise
