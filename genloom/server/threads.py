"""Blocking work beside the event loop: short transactions, hashing, files.

A call waits in its own request for one of a few threads (so what waits is bounded by the requests
admitted), and is never left half way: a cancelled request waits for the call to end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

P = ParamSpec("P")
T = TypeVar("T")
MOST = 16  # the pool of connections is as large

_limiter: RunVar[CapacityLimiter] = RunVar("genloom threads")  # one for each event loop


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, computed in a thread."""
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(MOST)
        _limiter.set(limiter)
    return await run_sync(partial(function, *args, **kwargs), limiter=limiter)
