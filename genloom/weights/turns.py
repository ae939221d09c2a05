"""A call that stops wherever it says so and goes on when it is told: a coroutine on a thread.

Two take turns, so that never more than one of them runs; whoever drops the call ends its thread.
Knows threads; not what is called.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

NAME = "genloom-turns"  # of the threads, in a debugger's list


class Dropped(BaseException):
    """Raised within a call that nobody waits for any more: it unwinds and is gone."""


class Baton:
    """What the two sides share."""

    def __init__(self) -> None:
        self.go, self.back = threading.Semaphore(0), threading.Semaphore(0)
        self.dropped = self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def pause(self) -> None:
        """Said by the call: the other's turn. Returns when it is told to go on."""
        self.back.release()
        self.wait()

    def wait(self) -> None:
        self.go.acquire()
        self.check()

    def check(self) -> None:
        """Said by the call where it may end although it is its turn."""
        if self.dropped:
            raise Dropped

    def drop(self) -> None:
        self.dropped = True
        self.go.release()


class Turns:
    """work: is called with the baton, by which it pauses. Nothing happens before the first step."""

    def __init__(self, work: Callable[[Baton], Any]) -> None:
        self.baton = Baton()
        self._work: Callable[[Baton], Any] | None = work

    def step(self) -> bool:
        """Let the call run to its next pause or its end; whether it has ended. What it raises is
        raised here, and again whenever it is asked to go on."""
        if self._work is not None:
            work, self._work = self._work, None
            weakref.finalize(self, self.baton.drop)
            threading.Thread(target=_run, args=(self.baton, work), name=NAME, daemon=True).start()
        if not self.baton.done:
            self.baton.go.release()
            self._wait()
        if self.baton.error is not None:
            raise self.baton.error
        return self.baton.done

    def _wait(self) -> None:
        try:
            self.baton.back.acquire()
        except BaseException:  # Ctrl-C: not before the thread has left what it is computing
            self.baton.dropped = True
            self.baton.back.acquire()
            raise

    @property
    def result(self) -> Any:
        return self.baton.result


def _run(baton: Baton, work: Callable[[Baton], Any]) -> None:
    try:
        baton.wait()
        baton.result = work(baton)
    except Dropped:
        pass
    except BaseException as error:
        baton.error = error
    finally:
        baton.done = True
        baton.back.release()
