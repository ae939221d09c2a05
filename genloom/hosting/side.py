"""Work beside the loop: a few threads for what takes long and needs no step of the engine.

What is slow (a second, not milliseconds) has a thread of its own, so that nothing else waits for
it. Bounded: more than MOST pieces of waiting work are refused. Results come back on the loop's own
thread, by `collect`; `wake` tells a sleeping loop of them. Knows nothing of what is done.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from genloom.errors import ResourceError

THREADS, MOST = 2, 4096

Work = tuple[Callable[[], Any], Callable[[Any, Any], None]] | None  # what to do, and then


class Side:
    """Threads that do one piece of work after the other."""

    def __init__(self, threads: int = THREADS, most: int = MOST) -> None:
        self._quick: queue.Queue[Work] = queue.Queue(most)
        self._slow: queue.Queue[Work] = queue.Queue(most)
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.wake, self._bell = socket.socketpair()
        self.wake.setblocking(False)
        self._bell.setblocking(False)
        self._lanes = [*[self._quick] * threads, self._slow]  # one for each thread
        for lane in self._lanes:
            threading.Thread(target=self._run, args=(lane,), daemon=True).start()

    def submit(
        self, work: Callable[[], Any], then: Callable[[Any, Any], None], slow: bool = False
    ) -> None:
        """Do `work` aside; then call `then(result, error)` on the loop's thread."""
        try:
            (self._slow if slow else self._quick).put_nowait((work, then))
        except queue.Full:
            raise ResourceError("too many requests are being prepared: ask again later") from None

    def collect(self) -> None:
        """Hand over what is done."""
        while True:
            try:
                then = self._done.get_nowait()
            except queue.Empty:
                return
            then()

    def quiet(self) -> None:
        """Take note of having been woken."""
        try:
            while self.wake.recv(4096):
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Let the threads end after what they are at."""
        for lane in self._lanes:
            with contextlib.suppress(queue.Full):  # the threads are daemons
                lane.put_nowait(None)
        self.wake.close()
        self._bell.close()

    def _run(self, lane: queue.Queue[Work]) -> None:
        while (taken := lane.get()) is not None:
            self._done.put(_done(*taken))
            del taken  # a thread that waits holds nothing of what it did
            with contextlib.suppress(OSError):  # it is awake, or gone
                self._bell.send(b"!")


def _done(work: Callable[[], Any], then: Callable[[Any, Any], None]) -> Callable[[], None]:
    """Do it; what remains is to hand it over."""
    try:
        result = work()
    except Exception as caught:  # whatever it is, it is the request's
        return partial(then, None, caught)
    return partial(then, result, None)
