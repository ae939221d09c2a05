"""One call on its way: it waits, runs in a host, and its events are taken by a client.

What its client iterates over (`Events`), what a host tells of it, and the only place that ends it:
whichever comes first of its end, its client's leaving, its deadline and a failure. Knows no queue.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol, Self

from genloom.server.call import Call, Event
from genloom.server.engines.channel import Channel
from genloom.server.engines.process import HostProcess
from genloom.server.engines.stats import Counts
from genloom.server.failure import Failure

LEFT = "left"
MOST_STARTS = 2
LARGEST = 4  # the part of the room that one call takes at most: a fourth


class House(Protocol):
    """Where the work is done."""

    counts: Counts

    def over(self, work: Work, finished: bool) -> None:
        """Its place is free."""


class Work:
    """weight: samples in flight; size: bytes of its files; seconds: it has. begun, charged: the
    gate's notes. took: seconds from begin to end. starts: how often a host began it."""

    def __init__(self, call: Call, house: House, room: int) -> None:
        self.call, self.house = call, house
        self.owner, self.batch = call.owner, call.batch
        count = call.given.get("count")
        most = max(1, room // LARGEST)  # more of one call take turns inside the engine
        self.weight = min(most, max(1, count if isinstance(count, int) else 1))
        self.size = sum(map(len, call.blobs.values()))
        self.loop = asyncio.get_running_loop()
        self.seconds = call.deadline
        self.channel = Channel(self.loop)
        self.came = self.loop.time()
        self.begun = self.charged = self.took = 0.0
        self.starts = 0
        self.ended = False
        self.host: HostProcess | None = None
        self._number = 0
        self._told = False
        self._clock: asyncio.TimerHandle | None = None

    def wait(self, longest: float) -> None:
        """It was admitted: its time runs."""
        seconds = longest if self.seconds is None else self.seconds
        self._clock = self.loop.call_later(seconds, self._late)

    @cached_property
    def digest(self) -> bytes:
        """The same for the same request, whoever asks."""
        call = self.call
        told = json.dumps([call.model, call.task, call.given], sort_keys=True, default=repr)
        total = hashlib.sha256(told.encode())
        for name, blob in sorted(call.blobs.items()):
            total.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(blob).digest())
        return total.digest()

    # --- for the host -----------------------------------------------------------------------------

    def begin(self, host: HostProcess) -> None:
        """Its turn has come."""
        self.host = host
        self.starts += 1
        if self.starts == 1:
            self.house.counts.waited.add(self.loop.time() - self.came)
        try:
            self._number = host.begin(self.call, self)
        except Failure as failure:
            self.fail(failure)

    def hear(self, kind: str, values: dict[str, Any], blob: bytes | None) -> None:
        if self.ended:
            return
        if not self._told:
            self._told = True
            self.house.counts.first.add(self.loop.time() - self.came)
        kept = self.channel.put(kind, values, blob)
        if kind == "done":
            self.house.counts.use(values.get("usage") or {})
            self._end("done")
            self.channel.close()
        elif not kept:
            self.too_slow()

    def crashed(self, again: Callable[[Self], None]) -> None:
        """Its host is gone: begun once more where nothing was taken of it and it was not yet."""
        self.host = None
        if self.ended:
            return
        if self.channel.taken or self.starts >= MOST_STARTS:
            self.fail(restarted())
        else:
            self.channel.clear()
            self.house.counts.retries += 1
            again(self)

    # --- how it ends ------------------------------------------------------------------------------

    def leave(self) -> None:
        """The client is gone."""
        self._end(LEFT)
        self.channel.clear()

    def fail(self, failure: Failure) -> None:
        self._end(failure.code or str(failure.status))
        self.channel.close(failure)

    def too_slow(self) -> None:
        """The client takes nothing: what waits for it is dropped."""
        self.channel.clear()
        message = "what was made was not taken in time: read the answer as it comes"
        self.fail(Failure(408, message, type="timeout_error", code="slow_client"))

    def _late(self) -> None:
        if self.channel.taken or self._told:
            message = "the time for this call was over before it was finished"
        elif self.host is not None:
            message = "the time for this call was over before anything was made"
        else:
            message = "the time for this call was over before it could begin"
        self.fail(Failure(504, message, code="deadline_exceeded"))

    def _end(self, how: str) -> None:
        if self.ended:
            return
        self.ended = True
        if self._clock is not None:
            self._clock.cancel()
        counts = self.house.counts
        counts.ended(how)
        if self.begun:
            self.took = self.loop.time() - self.begun
            counts.work.add(self.took)
        if self.host is not None:
            self.host.cancel(self._number)
        self.house.over(self, how == "done")


class Events:
    """The events of a work, for its client. Leaving it, or a wait for the next one that is given
    up, cancels the work: nobody but the client holds this object."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @property
    def seconds(self) -> float:
        """For how long a process has worked on it, from its begin to its end or until now."""
        work = self._work
        running = bool(work.begun) and not work.ended
        return work.loop.time() - work.begun if running else work.took

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self._work.channel.take()
        except asyncio.CancelledError:
            self._work.leave()
            raise
        if event is None:
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        self._work.leave()

    def __del__(self) -> None:
        work = self._work
        if not work.ended and not work.loop.is_closed():
            work.loop.call_soon_threadsafe(work.leave)  # whichever thread collects it


def restarted() -> Failure:
    return Failure(
        503,
        "the engine stopped while it worked on this and is started again: send it once more",
        type="server_error",
        code="engine_restarted",
        headers={"retry-after": "1"},
    )
