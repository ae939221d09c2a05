"""The loop: hear what is asked, step the engine, tell what is new. One model, one thread of it.

Messages in: open {model, options}, make {id, task, given}, cancel {id}, close. Out: ready {about},
failed {error}, news {of: [...]}, alive {stats}. Of the news: each names its id and a kind (text,
delta, preview, asset, values, ended, done, error); blobs are named in it by "blob".
"""

from __future__ import annotations

import select
import socket
import time
from typing import Any

from genloom import api
from genloom.errors import GenloomError
from genloom.hosting.about import about
from genloom.hosting.task import News, Task, error_of
from genloom.hosting.tasks import TASKS
from genloom.wire import Frames, Message, frame

IDLE, ALIVE, RECEIVED = 0.5, 1.0, 1 << 20  # seconds, seconds, bytes


class Host:
    """Serves one model on a connected socket."""

    def __init__(self, link: socket.socket) -> None:
        self.link, self.frames = link, Frames()
        self.link.setblocking(True)
        self.model: api.Model | None = None
        self.engine: Any = None
        self.tasks: dict[int, Task] = {}
        self.closing = False
        self._told = 0.0

    def run(self) -> None:
        try:
            while not self.closing:
                self._hear(0 if self.busy else IDLE)
                self._step()
                self._say_alive()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the parent is gone
        finally:
            if self.engine is not None:
                self.engine.close()
            self.link.close()

    @property
    def busy(self) -> bool:
        return bool(self.tasks)

    # --- hearing ----------------------------------------------------------------------------------

    def _hear(self, seconds: float) -> None:
        ready, _, _ = select.select([self.link], [], [], seconds)
        if not ready:
            return
        data = self.link.recv(RECEIVED)
        if not data:
            self.closing = True
            return
        for message in self.frames.feed(data):
            getattr(self, f"_on_{message.values['do']}")(message)

    def _on_open(self, message: Message) -> None:
        try:
            given = message.values.get("options") or {}
            self.model = api.load(message.values["model"], bits=given.get("bits"))
            self.engine = self.model.engine()
        except GenloomError as error:
            self._say({"say": "failed", "error": error_of(error)})
            return
        self._say({"say": "ready", "about": about(self.model)})

    def _on_make(self, message: Message) -> None:
        values = message.values
        try:
            task = TASKS[values["task"]](values["id"], self.engine, values["given"], message.blobs)
        except GenloomError as error:
            self._tell([News(of=values["id"], kind="error", values=error_of(error))])
        else:
            self.tasks[values["id"]] = task

    def _on_cancel(self, message: Message) -> None:
        task = self.tasks.pop(message.values["id"], None)
        if task is not None:
            task.cancel()

    def _on_close(self, message: Message) -> None:
        self.closing = True

    # --- stepping ---------------------------------------------------------------------------------

    def _step(self) -> None:
        if not self.tasks:
            return
        if self.engine.open:
            self.engine.tick()
        news: list[News] = []
        for number, task in list(self.tasks.items()):
            news += task.news()
            if task.done:
                del self.tasks[number]
        if news:
            self._tell(news)

    # --- telling ----------------------------------------------------------------------------------

    def _tell(self, news: list[News]) -> None:
        blobs: dict[str, bytes] = {}
        told = []
        for one in news:
            values = {"id": one.of, "kind": one.kind, **one.values}
            if one.blob is not None:
                values["blob"] = str(len(blobs))
                blobs[values["blob"]] = one.blob
            told.append(values)
        self._say({"say": "news", "of": told}, blobs)

    def _say(self, values: dict[str, Any], blobs: dict[str, bytes] | None = None) -> None:
        self.link.sendall(frame(values, blobs))

    def _say_alive(self) -> None:
        now = time.monotonic()
        if now - self._told >= ALIVE:
            self._told = now
            self._say({"say": "alive", "stats": {"open": len(self.tasks)}})
