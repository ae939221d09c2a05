"""The processes of one model: started when wanted, again when they died, replaced, ended.

One serves at a time; those that were replaced finish what they have open. Knows no call: who works
with it is told what became of the processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any, Protocol

from genloom.server.engines.catalogue import Print, fingerprint
from genloom.server.engines.gate import refused
from genloom.server.engines.limits import EngineLimits
from genloom.server.engines.nursery import LOG, Nursery
from genloom.server.engines.process import Died, HostProcess, Listener
from genloom.server.engines.stats import Counts
from genloom.server.failure import Failure

REMEMBERED, LATER = 5.0, 60.0  # seconds: of a load that failed, until a swap is tried again
Room = Callable[[Path], Awaitable[Callable[[], None]]]  # makes room for a model; gives it back


class Tenant(Protocol):
    """Who works with the processes."""

    def ready(self) -> None:
        """One serves now."""

    def lost(self, left: list[Listener]) -> None:
        """One died, and these were left."""

    def failed(self, failure: Failure) -> None:
        """None can be had."""


class Hosts:
    """current: the one that serves. down: one died and serves not yet again. failure: why the last
    load failed, at failed_at."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: EngineLimits,
        nursery: Nursery,
        counts: Counts,
        room: Room,
        tenant: Tenant,
    ) -> None:
        self.folder, self.limits, self.nursery, self.counts = folder, limits, nursery, counts
        self.room, self.tenant = room, tenant
        self.current: HostProcess | None = None
        self.old: set[HostProcess] = set()
        self.print: Print = ()
        self.down = self.closed = False
        self.failure: Failure | None = None
        self.failed_at = 0.0
        self.loop = asyncio.get_running_loop()
        self._about: Mapping[str, Any] = {}  # of the one that served last
        self._deaths = 0  # in a row
        self._refused: Print = ()  # a folder that did not load, and when it may be tried again
        self._again = inf
        self._starting: asyncio.Task[None] | None = None
        self._swapping: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def all(self) -> list[HostProcess]:
        return [*self.old, *([self.current] if self.current else [])]

    @property
    def starting(self) -> bool:
        return self._starting is not None

    @property
    def swapping(self) -> bool:
        return self._swapping is not None

    # --- start ------------------------------------------------------------------------------------

    def want(self) -> None:
        """Have one serve soon."""
        if self.current is None and self._starting is None and not self.closed:
            self._starting = self.loop.create_task(self._start())

    def known(self) -> Mapping[str, Any] | None:
        """What the model on disk says of itself; None where only loading it would tell. Failure as
        of `check`."""
        if self.current is not None:
            return self.current.about
        self.check()
        return self._about if self._about and self.print == fingerprint(self.folder) else None

    async def get(self) -> HostProcess:
        """The one that serves. Failure where none can."""
        while (host := self.current) is None:
            self.check()
            self.want()
            if self._starting is None:
                raise refused(503, "draining", "the server is shutting down", 5)
            await asyncio.wait([self._starting])
            self.check()
        return host

    def check(self) -> None:
        """The failure of a load that failed a moment ago: it is not tried again at once."""
        late = self.loop.time() - self.failed_at > REMEMBERED
        if self.failure is not None and self._starting is None and not late:
            raise self.failure.with_traceback(None)

    async def _start(self) -> None:
        tries = 0
        try:
            while True:
                await asyncio.sleep(self._pause())
                try:
                    host = await self._launch()
                    break
                except Died:
                    tries += 1
                    self._deaths += 1
                    LOG.error("%s: its engine died while it was loading", self.folder.name)
                    if tries == self.limits.tries:
                        raise self._given_up() from None
        except Failure as failure:
            self.failure, self.failed_at, self._starting = failure, self.loop.time(), None
            self.down = False
            self.tenant.failed(failure)
            return
        self.failure, self._starting = None, None
        self._serve(host)

    def _serve(self, host: HostProcess) -> None:
        before, self.current, self.down = self.current, host, False
        self._about = host.about
        if before is not None:
            self._retire(before)
        self.tenant.ready()

    def _pause(self) -> float:
        """Seconds before the next start: none after the first death, then ever more."""
        late = self._deaths - 2
        return min(self.limits.backoff_longest, self.limits.backoff * 2.0**late) if late >= 0 else 0

    def _given_up(self) -> Failure:
        message = f"the engine of {self.folder.name} ends while it starts: see the server's log"
        return refused(503, "engine_unavailable", message, self._pause())

    async def _launch(self) -> HostProcess:
        seen = fingerprint(self.folder)
        give_back = await self.room(self.folder)
        try:
            host = await HostProcess.start(
                self.nursery,
                self.folder,
                self._ended,
                self.limits.options(self.folder.name),
                self.limits.loading,
            )
        except Failure as failure:
            self.counts.failed_loads += 1
            raise self._told(failure) from failure
        except Died:
            self.counts.failed_loads += 1
            raise
        finally:
            give_back()
        self.counts.loads += 1
        self.print = seen
        LOG.info("%s is loaded, in process %d", self.folder.name, host.born.pid)
        return host

    def _told(self, failure: Failure) -> Failure:
        """For clients: no path; a folder that is there and unsound is not one that is not there."""
        LOG.error("%s does not load: %s", self.folder.name, failure.message)
        message = failure.message.replace(str(self.folder), self.folder.name)
        if failure.code == "model_not_found":
            return Failure(422, message, code="integrity_mismatch", param="model")
        failure.message = message
        return failure

    # --- replaced ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Swap where the folder is not what it was when it was loaded."""
        now = fingerprint(self.folder)
        if self.current is None or now in ((), self.print) or self._swapping:
            return
        if now == self._refused and self.loop.time() < self._again:
            return
        LOG.info("%s has changed on disk: it is loaded anew", self.folder.name)
        self._swapping = self.loop.create_task(self._swap())
        self._swapping.add_done_callback(_seen)

    async def swap(self) -> None:
        """Serve what lies on disk now. Failure where that does not load: nothing has changed."""
        if self.current is None:
            await self.get()
            return
        if self._swapping is None:
            self._swapping = self.loop.create_task(self._swap())
            self._swapping.add_done_callback(_seen)
        await asyncio.shield(self._swapping)

    async def _swap(self) -> None:
        seen = fingerprint(self.folder)
        try:
            host = await self._launch()
        except (Failure, Died) as error:
            failure = error if isinstance(error, Failure) else self._given_up()
            unsound = failure.code == "integrity_mismatch"
            self._refused, self._again = seen, inf if unsound else self.loop.time() + LATER
            LOG.error("%s is not swapped: %s", self.folder.name, failure.message)
            raise failure from error
        finally:
            self._swapping = None
        self.counts.swaps += 1
        self._serve(host)

    # --- ended ------------------------------------------------------------------------------------

    async def unload(self) -> bool:
        """Once it has finished what is open; False where none is there."""
        host = self.drop()
        if host is not None:
            await host.gone()
        return host is not None

    def drop(self) -> HostProcess | None:
        """No longer serve: what is open is finished."""
        host, self.current = self.current, None
        if host is not None:
            self.counts.unloads += 1
            self._retire(host)
        return host

    def _retire(self, host: HostProcess) -> None:
        self.old.add(host)
        self.settle()

    def settle(self) -> None:
        """End those that were replaced and have nothing open."""
        for host in [one for one in self.old if not one.listeners and not one.closing]:
            host.closing = True
            task = self.loop.create_task(host.close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _ended(self, host: HostProcess) -> None:
        left = list(host.listeners.values())
        host.listeners.clear()
        self.old.discard(host)
        if host is self.current:
            self.current, self.down = None, True
            lived = self.loop.time() - host.since
            self._deaths = 1 if lived >= self.limits.steady else self._deaths + 1
            self.counts.restarts += 1
            LOG.error("%s: its engine died with %d calls open", self.folder.name, len(left))
        if left:
            self.tenant.lost(left)
        if self.down:
            self.want()

    async def close(self) -> None:
        self.closed = True
        tasks = [task for task in (self._starting, self._swapping) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        host, self.current = self.current, None
        if host is not None:
            self._retire(host)
        while self._ending:
            await asyncio.wait(self._ending)


def _seen(task: asyncio.Task[None]) -> None:
    """Its error was logged where it arose, whether or not somebody waits for it."""
    if not task.cancelled():
        task.exception()
