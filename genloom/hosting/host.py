"""The loop: hear what is asked, step the engine, tell what is new. One model, one thread of it.

Messages in: open {model, options}, make {id, task, given}, cancel {id}, drain, close. Out: ready
{about}, failed {error}, news {of: [...]}, alive {stats}. Of the news: each names its id and a kind
(text, delta, preview, asset, values, ended, done, error); blobs are named in it by "blob". What
takes long before a task can begin is done aside (side.py).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from genloom.engine.engine import Engine
from genloom.errors import GenloomError, ResourceError
from genloom.hosting.about import about
from genloom.hosting.link import Link
from genloom.hosting.log import log, log_error
from genloom.hosting.pace import Pace
from genloom.hosting.site import Site, open_site
from genloom.hosting.task import News, Task, error_of
from genloom.hosting.tasks import task_of
from genloom.wire import Message

IDLE, ALIVE = 0.25, 1.0  # seconds
MOST = 4096  # open requests; the web process keeps its own, shorter queue


class Host:
    """Serves one model on a connected socket. `drain`: finish what is open, then end."""

    def __init__(self, sock: socket.socket) -> None:
        self.link = Link(sock)
        self.site: Site | None = None
        self.tasks: dict[int, Task] = {}
        self.preparing: dict[int, Task] = {}
        self.closing = self.draining = False
        self._failed: list[News] = []
        self._alive = 0.0
        self._ticks = 0
        self.pace = Pace()

    def drain(self, *_: object) -> None:
        """Also what SIGTERM calls."""
        self.draining = True

    def run(self) -> None:
        try:
            while not self._over():
                self._turn()
        finally:
            if self.site is not None:
                self.site.close()
            self.link.close()

    def _over(self) -> bool:
        drained = self.draining and not (self.tasks or self.preparing or self.link.waiting)
        return self.closing or self.link.closed or drained

    def _turn(self) -> None:
        stuck = self.link.full  # nothing is made for a parent that does not read
        for message in self.link.hear(0 if self._busy() and not stuck else IDLE):
            self._take(message)
        site = self.site
        if site is not None:
            site.side.quiet()
            site.side.collect()
            if not self.link.full:
                self._step(site)
        if not self.link.full:
            self._tell(self._news())
        self._say_alive()

    def _busy(self) -> bool:
        """Whether there is something to do without being told or rung for."""
        site = self.site
        return site is not None and bool(site.engine.open or site.desk.busy)

    # --- hearing ----------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        acts: dict[str, Callable[[Message], None]] = {
            "open": self._open,
            "make": self._make,
            "cancel": self._cancel,
            "drain": self.drain,
            "close": self._close,
        }
        act = acts.get(str(message.values.get("do")))
        if act is None:
            log(f"a message of an unknown kind: {str(message.values.get('do'))[:40]!r}")
            return
        act(message)

    def _open(self, message: Message) -> None:
        name = str(message.values.get("model"))
        try:
            self.site = open_site(name, message.values.get("options") or {})
            told = about(self.site)
        except GenloomError as error:
            self.link.say({"say": "failed", "error": error_of(error)})
            return
        except Exception as error:  # whatever it is, the parent is to know
            log_error(f"{name} cannot be opened", error)
            short = ResourceError(f"{name} cannot be opened ({type(error).__name__}: {error})")
            self.link.say({"say": "failed", "error": error_of(short)})
            return
        self.link.wake = [self.site.side.wake]
        self.link.say({"say": "ready", "about": told})

    def _make(self, message: Message) -> None:
        values, site = message.values, self.site
        number = int(values["id"])
        try:
            if site is None:
                raise ResourceError("no model is open here")
            if self.draining:
                raise ResourceError("this engine takes nothing more: it is about to end")
            if len(self.tasks) + len(self.preparing) >= MOST:
                raise ResourceError(f"{MOST} requests are open already: ask again later")
            given = values.get("given") or {}
            task = task_of(str(values.get("task")), number, site, given, message.blobs)
            if task.quick:
                task.prepare()
                task.begin()
                self.tasks[number] = task
            else:
                self._prepare(site, task)
        except Exception as error:  # its own, whatever it is
            self._fail(number, error)

    def _prepare(self, site: Site, task: Task) -> None:
        self.preparing[task.number] = task

        def go_on(_: Any, error: BaseException | None) -> None:
            if self.preparing.pop(task.number, None) is None:
                return  # cancelled meanwhile
            try:
                if error is not None:
                    raise error
                task.begin()
                self.tasks[task.number] = task
            except Exception as failed:
                self._fail(task.number, failed)

        try:
            site.side.submit(task.prepare, go_on, task.slow)
        except GenloomError:
            del self.preparing[task.number]
            raise

    def _cancel(self, message: Message) -> None:
        number = int(message.values["id"])
        self.preparing.pop(number, None)
        task = self.tasks.pop(number, None)
        if task is not None:
            task.cancel()

    def _close(self, message: Message) -> None:
        self.closing = True

    # --- stepping ---------------------------------------------------------------------------------

    def _step(self, site: Site) -> None:
        if site.engine.open:
            self._tick(site.engine)
        if site.desk.busy:
            site.desk.step()

    def _tick(self, engine: Engine) -> None:
        before, began = engine.flying, time.perf_counter()
        engine.tick()
        self._ticks += 1
        if before and before == engine.flying:  # nobody came or went: a step and nothing else
            self.pace.add(before, time.perf_counter() - began)

    def _news(self) -> list[News]:
        now, news = time.monotonic(), []
        for number, task in list(self.tasks.items()):
            try:
                told = task.news(now)
            except Exception as error:
                self._fail(number, error)
                continue
            if told:
                news += told
            if task.done:
                del self.tasks[number]
        failed, self._failed = self._failed, []
        return news + failed

    # --- telling ----------------------------------------------------------------------------------

    def _fail(self, number: int, error: Exception) -> None:
        """This request ends; the others do not hear of it."""
        task = self.tasks.pop(number, None)
        if task is not None:
            task.cancel()
        if not isinstance(error, GenloomError):
            log_error(f"request {number}", error)
        self._failed.append(News(of=number, kind="error", values=error_of(error)))

    def _tell(self, news: list[News]) -> None:
        if not news:
            return
        blobs: dict[str, bytes] = {}
        told = []
        for one in news:
            values = {"id": one.of, "kind": one.kind, **one.values}
            if one.blob is not None:
                values["blob"] = str(len(blobs))
                blobs[values["blob"]] = one.blob
            told.append(values)
        self.link.say({"say": "news", "of": told}, blobs)

    def _say_alive(self) -> None:
        now = time.monotonic()
        if now - self._alive >= ALIVE and not self.link.full:
            self._alive = now
            self.link.say({"say": "alive", "stats": self._stats()})

    def _stats(self) -> dict[str, Any]:
        memory = None if self.site is None else self.site.engine.memory
        pages = {} if memory is None else {"pages": memory.size, "pages_used": memory.used}
        counts = {"open": len(self.tasks), "preparing": len(self.preparing), "ticks": self._ticks}
        line = self.pace.line()
        pace = {} if line is None else {"step": line[0], "sample": line[1]}
        return {**counts, **pages, **pace}
