"""One long piece of work in a process of its own, told on a socket: what was asked, what is told.

In comes one message; out go events, and at the end done, stopped or failed. When the socket's other
end closes, or on SIGTERM, the work is to stop at its next word. Knows no work.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

from genloom import store
from genloom.errors import GenloomError, Stopped
from genloom.hosting.task import error_of
from genloom.wire import Frames, frame

RECEIVED = 1 << 16
NICER = 10  # its niceness: requests that are answered come first


class Errand:
    """The socket of a process with one thing to do."""

    def __init__(self, link: socket.socket) -> None:
        self.link, self.frames = link, Frames()
        self.stopping = False

    def run(self, work: Callable[[Errand, Mapping[str, Any]], dict[str, Any]]) -> None:
        """What the work returns is told with done. GenloomErrors are told, and are no crash."""
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        given = self._given()
        try:
            made = work(self, given)
        except Stopped:
            self.say({"say": "stopped"})
        except GenloomError as error:
            self.say({"say": "failed", "error": error_of(error)})
        else:
            self.say({"say": "done", **made})

    def say(self, values: dict[str, Any]) -> None:
        try:
            self.link.sendall(frame(values))
        except OSError:  # nobody listens any more
            self.stopping = True

    def check(self) -> None:
        """Stopped where it is to stop: somebody said so, or whoever began it is gone."""
        ready, _, _ = select.select([self.link], [], [], 0)
        if ready and not self.stopping:
            try:
                data = self.link.recv(RECEIVED)
            except ConnectionError:  # it was killed
                data = b""
            self.stopping = not data or bool(self.frames.feed(data))
        if self.stopping:
            raise Stopped("stopped before its end")

    def _given(self) -> dict[str, Any]:
        while data := self.link.recv(RECEIVED):
            for message in self.frames.feed(data):
                return message.values
        raise SystemExit(1)

    def _asked_to_stop(self, *_: object) -> None:
        self.stopping = True


def linked() -> socket.socket:
    """The way to who began this process, `python -m MODULE FD [HOME]`, which is nice to others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to hear
    os.nice(max(0, NICER - os.nice(0)))
    if len(sys.argv) > 2:
        store.set_home(sys.argv[2])
    return socket.socket(fileno=int(sys.argv[1]))


def main(work: Callable[[Errand, Mapping[str, Any]], dict[str, Any]]) -> None:
    """`python -m MODULE FD [HOME]`"""
    with linked() as link:
        Errand(link).run(work)
    os._exit(0)  # at once: all is told, and nothing is left to be put away
