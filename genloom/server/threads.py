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
MOST = 16  # the pool of connections is as large

_pool = ThreadPoolExecutor(MOST, thread_name_prefix="genloom")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, computed in a thread."""
    call = partial(contextvars.copy_context().run, partial(function, *args, **kwargs))
    work = asyncio.get_running_loop().run_in_executor(_pool, call)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with CancelScope(shield=True):
            await asyncio.wait({work})
        raise
