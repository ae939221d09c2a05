"""The socket to the parent: whole messages in, frames out, neither of which blocks the loop.

Outgoing bytes are bounded: `full` says that the parent does not read, and that nothing more should
be made until it does. Knows frames; no message's meaning.
"""

from __future__ import annotations

import select
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from genloom.wire import Frames, Message, frame

RECEIVED = 1 << 20  # bytes at once
FULL = 16 << 20  # bytes waiting for the parent


class Link:
    """closed: the parent is gone."""

    def __init__(self, sock: socket.socket, wake: Sequence[socket.socket] = ()) -> None:
        self.sock, self.wake = sock, list(wake)
        self.sock.setblocking(False)
        self.closed = False
        self._frames = Frames()
        self._out: deque[memoryview] = deque()
        self._size = 0

    @property
    def full(self) -> bool:
        return self._size > FULL

    @property
    def waiting(self) -> int:
        """Bytes that the parent has not taken."""
        return self._size

    def hear(self, seconds: float) -> list[Message]:
        """What has come; waits so long for it, for room, or for a bell."""
        writing = [self.sock] if self._out else []
        ready, able, _ = select.select([self.sock, *self.wake], writing, [], seconds)
        if able:
            self._flush()
        if self.sock not in ready:
            return []
        try:
            data = self.sock.recv(RECEIVED)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.closed = self.closed or not data
        return self._frames.feed(data) if data else []

    def say(self, values: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> None:
        """Send, now or as soon as there is room."""
        data = memoryview(frame(values, blobs))
        self._out.append(data)
        self._size += len(data)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._out:
                sent = self.sock.send(self._out[0])
                self._size -= sent
                if sent < len(self._out[0]):
                    self._out[0] = self._out[0][sent:]
                    return
                self._out.popleft()
        except BlockingIOError:
            return
        except OSError:
            self.closed = True
            self._out.clear()
            self._size = 0

    def close(self) -> None:
        self.sock.close()
