"""Events of one call between its host and its client: bounded, whatever the client does.

Pieces of one sample that the client has not taken yet become one piece, a preview gives way to the
next; everything else waits in order, and too much of it is the client's failure. Knows no client.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from genloom.server.call import Event
from genloom.server.failure import Failure

MOST_EVENTS = 8192
MOST_BYTES = 256 << 20  # of files
MOST_WEIGHT = 96 << 20  # bytes, about, of everything else: one id with 20 others is 7 KB of objects

Values = dict[str, Any]


class Channel:
    """since: when the oldest event began to wait (None: none waits). taken: events handed over.
    bytes: of files that wait; weight: of other values, the first one's not counted, so that a
    client that keeps up costs no counting."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.since: float | None = None
        self.taken = 0
        self.bytes = self.weight = 0
        self.closed = False
        self.failure: Failure | None = None
        self._events: deque[_Waiting] = deque()
        self._last: dict[tuple[str, Any], _Waiting] = {}
        self._waiter: asyncio.Future[None] | None = None

    def put(self, kind: str, values: Values, blob: bytes | None) -> bool:
        """False where more waits than is kept."""
        join, key = JOINED.get(kind), (kind, values.get("sample"))
        last = None if join is None else self._last.get(key)
        weight = weight_of(values) if self._events else 0
        if join is not None and last is not None and join(last.values, values):
            self.bytes += len(blob or b"") - len(last.blob or b"")
            last.blob = blob
            before, last.weight = last.weight, weight + (last.weight if join is _piece else 0)
            self.weight += last.weight - before
            return self._fits()
        waiting = _Waiting(kind, values, blob, weight)
        if join is not None:
            self._last[key] = waiting
        self._events.append(waiting)
        self.bytes += len(blob or b"")
        self.weight += weight
        if self.since is None:
            self.since = self.loop.time()
        self._wake()
        return self._fits()

    def _fits(self) -> bool:
        few = len(self._events) <= MOST_EVENTS
        return few and self.bytes <= MOST_BYTES and self.weight <= MOST_WEIGHT

    def close(self, failure: Failure | None = None) -> None:
        """Nothing follows what waits but this failure."""
        if not self.closed:
            self.closed, self.failure = True, failure
            self._wake()

    def clear(self) -> None:
        """What waits was never said."""
        self._events.clear()
        self._last.clear()
        self.bytes, self.weight, self.since = 0, 0, None

    async def take(self) -> Event | None:
        """The next; None at the end. The failure is raised."""
        while not self._events:
            if self.failure is not None:
                raise self.failure.with_traceback(None)  # many may hold the same
            if self.closed:
                return None
            self._waiter = self.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._next()

    def _next(self) -> Event:
        one = self._events.popleft()
        key = (one.kind, one.values.get("sample"))
        if self._last.get(key) is one:
            del self._last[key]
        self.bytes -= len(one.blob or b"")
        self.weight -= one.weight
        self.since = self.loop.time() if self._events else None
        self.taken += 1
        return Event(kind=one.kind, values=one.values, blob=one.blob)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Waiting:
    __slots__ = ("blob", "kind", "values", "weight")

    def __init__(self, kind: str, values: Values, blob: bytes | None, weight: int) -> None:
        self.kind, self.values, self.blob, self.weight = kind, values, blob, weight


def weight_of(value: Any) -> int:
    """The bytes that a JSON value holds in memory, about; names of fields are shared."""
    if isinstance(value, dict):
        return 200 + sum(map(weight_of, value.values()))
    if isinstance(value, list):
        return 64 + sum(map(weight_of, value))
    return 56 + len(value) if isinstance(value, str) else 24


def _piece(first: Values, more: Values) -> bool:
    """Texts and lists go on, counts are summed. False where the two tell of different things."""
    if first.keys() != more.keys():
        return False
    joined = {}
    for name, value in more.items():
        if type(value) is not type(first[name]):
            return False
        if isinstance(value, str | list | int) and name != "sample":
            joined[name] = first[name] + value
        elif value != first[name]:
            return False
    first.update(joined)
    return True


def _latest(first: Values, more: Values) -> bool:
    first.clear()
    first.update(more)
    return True


JOINED: dict[str, Callable[[Values, Values], bool]] = {
    "text": _piece,
    "delta": _piece,
    "preview": _latest,
}
