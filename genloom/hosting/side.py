"""Work beside the loop: a few threads for what takes long and needs no step of the engine.

Bounded: more than MOST pieces of waiting work are refused. Results come back on the loop's own
thread, by `collect`; `wake` tells a sleeping loop of them. Knows nothing of what is done.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any

from genloom.errors import ResourceError

THREADS, MOST = 2, 4096


class Side:
    """Threads that do one piece of work after the other."""

    def __init__(self, threads: int = THREADS, most: int = MOST) -> None:
        self._work: queue.Queue[tuple[Callable[[], Any], Callable[[Any, Any], None]] | None]
        self._work = queue.Queue(most)
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.wake, self._bell = socket.socketpair()
        self.wake.setblocking(False)
        self._bell.setblocking(False)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], Any], then: Callable[[Any, Any], None]) -> None:
        """Do `work` aside; then call `then(result, error)` on the loop's thread."""
        try:
            self._work.put_nowait((work, then))
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
        for _ in self._threads:
            try:
                self._work.put_nowait(None)
            except queue.Full:
                break  # they are daemons
        self.wake.close()
        self._bell.close()

    def _run(self) -> None:
        while (taken := self._work.get()) is not None:
            work, then = taken
            result, error = None, None
            try:
                result = work()
            except Exception as caught:  # whatever it is, it is the request's
                error = caught
            self._done.put(lambda t=then, r=result, e=error: t(r, e))
            with contextlib.suppress(OSError):  # it is awake, or gone
                self._bell.send(b"!")
