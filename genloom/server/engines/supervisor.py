"""All models of a server: which are in memory, which must go, and when. Implements call.Engines.

Knows residents and the machine's memory; a model's calls and processes are resident.py's matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from genloom import store
from genloom.server.call import Call
from genloom.server.engines import memory
from genloom.server.engines.catalogue import Catalogue
from genloom.server.engines.gate import refused
from genloom.server.engines.limits import EngineLimits, limits_of
from genloom.server.engines.nursery import LOG, Nursery
from genloom.server.engines.poison import Poison
from genloom.server.engines.resident import Resident
from genloom.server.engines.stats import Stats
from genloom.server.engines.work import Events
from genloom.server.failure import Failure
from genloom.server.settings import Settings

SWEEP, MEASURE, LOOK = 0.25, 5.0, 0.02  # seconds between two sweeps, measurements, looks


class Supervisor:
    """offered: see `Catalogue`. preload: models that are to be in memory always. nursery: one that
    is shared, and closed by whoever made it. Made where a loop runs; `open` starts what is to be
    there from the beginning."""

    def __init__(
        self,
        offered: tuple[str, ...] = (),
        limits: EngineLimits | None = None,
        preload: tuple[str, ...] = (),
        nursery: Nursery | None = None,
    ) -> None:
        self.catalogue = Catalogue(offered)
        self.limits = limits or EngineLimits()
        self.preload = preload
        self.loop = asyncio.get_running_loop()
        self.nursery = nursery or Nursery(store.home())
        self._own_nursery = nursery is None
        self.poison = Poison(self.loop.time)
        self.residents: dict[str, Resident] = {}
        self.draining = False
        self._rooms = asyncio.Lock()
        self._promised = 0  # bytes for models that load
        self._sweeping: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.models, limits_of(settings), settings.preload)

    def open(self) -> None:
        """Load what is to be in memory always, and be ready to load what is offered by name.
        Failure where a name is unknown."""
        if self.catalogue.offered:
            self.nursery.warm()
        for name in self.preload:
            resident = self._resident(name)
            resident.kept = True
            resident.hosts.want()

    # --- what routes ask --------------------------------------------------------------------------

    def run(self, call: Call) -> Events:
        return Events(self._resident(call.model).take(call))

    async def about(self, model: str) -> Mapping[str, Any]:
        return await self._resident(model).about()

    async def load(self, model: str) -> None:
        await self._resident(model).get()

    async def unload(self, model: str) -> bool:
        resident = self._resident(model)
        resident.kept = False
        return await resident.hosts.unload()

    async def swap(self, model: str) -> None:
        await self._resident(model).hosts.swap()

    def _resident(self, name: str) -> Resident:
        """Failure where the server is draining, or no such model is offered."""
        if self.draining:
            raise refused(503, "draining", "the server is shutting down: ask another one", 5)
        resident = self.residents.get(name)
        now = self.loop.time()
        if resident is None:
            folder = self.catalogue.folder(name)
            resident = self.residents[name] = Resident(
                name,
                folder,
                limits=self.limits,
                nursery=self.nursery,
                poison=self.poison,
                room=self._make_room,
            )
            if self._sweeping is None:
                self._sweeping = self.loop.create_task(self._sweep())
        elif now - resident.looked > self.limits.fresh:
            resident.looked = now
            self._look(resident)
        return resident

    def _look(self, resident: Resident) -> None:
        """Whether its folder has changed. Failure where it is gone; then its process goes, too."""
        try:
            self.catalogue.folder(resident.name)
        except Failure:
            resident.hosts.drop()
            raise
        resident.hosts.look()

    # --- memory -----------------------------------------------------------------------------------

    async def _make_room(self, folder: Path) -> Callable[[], None]:
        """Unload what is idle until the model fits. Failure with the numbers where it does not."""
        need = memory.needed(folder)
        async with self._rooms:
            while (there := await self._there()) < need:
                idle = [r for r in self.residents.values() if r.idle and not r.kept]
                if not idle:
                    raise self._no_room(folder.name, need, there)
                last = min(idle, key=lambda resident: resident.used)
                LOG.info("%s is unloaded to make room for %s", last.name, folder.name)
                await last.hosts.unload()
            self._promised += need

        def give_back() -> None:
            self._promised -= need

        return give_back

    async def _there(self) -> int:
        """Bytes that a further model could take."""
        if self.limits.memory is None:
            return memory.free() - self.limits.reserve - self._promised
        await self._measure()
        held = sum(one.memory for one in self.residents.values())
        return self.limits.memory - held - self._promised

    def _no_room(self, name: str, need: int, there: int) -> Failure:
        busy = [r.name for r in self.residents.values() if r.hosts.current is not None]
        told = f"; in memory and at work or kept: {', '.join(sorted(busy))}" if busy else ""
        message = (
            f"{name} takes about {memory.shown(need)} of memory, and {memory.shown(max(0, there))} "
            f"are there{told}"
        )
        return refused(503, "out_of_resources", message, 10)

    async def _measure(self) -> None:
        for one in list(self.residents.values()):
            pids = [host.born.pid for host in one.hosts.all]
            one.memory = await asyncio.to_thread(lambda pids=pids: sum(map(memory.held, pids)))

    # --- from time to time ------------------------------------------------------------------------

    async def _sweep(self) -> None:
        measured = 0.0
        while True:
            await asyncio.sleep(SWEEP)
            for one in list(self.residents.values()):
                one.sweep()
                if one.overdue():
                    LOG.info("%s is unloaded: nobody asks for it", one.name)
                    await one.hosts.unload()
            self.poison.forget()
            if self.loop.time() - measured > MEASURE:
                measured = self.loop.time()
                await self._measure()

    def stats(self) -> Stats:
        models = tuple(one.stats() for one in self.residents.values())
        return Stats(draining=self.draining, models=models)

    def unready(self) -> list[str]:
        if self.draining:
            return ["the server is shutting down"]
        reasons = []
        for one in self.residents.values():
            if one.hosts.current is None and (one.kept or one.hosts.down):
                reasons.append(f"the engine of {one.name} is {one.state}")
        return reasons

    # --- the end ----------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        self.draining = True
        end = self.loop.time() + seconds
        while self.loop.time() < end and not all(r.gate.idle for r in self.residents.values()):
            await asyncio.sleep(LOOK)
        await self.close()

    async def close(self) -> None:
        """At once: what is under way ends with a failure."""
        self.draining = True
        message = "the server is shut down before this was finished: ask again"
        for one in self.residents.values():
            one.end(refused(503, "server_shutdown", message, 5))
        if self._sweeping is not None:
            self._sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeping
            self._sweeping = None
        await asyncio.gather(*(one.hosts.close() for one in self.residents.values()))
        if self._own_nursery:
            await self.nursery.close()
