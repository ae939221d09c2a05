"""All hosts by model: started when asked for. The one implementation of `call.Engines`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from genloom import store
from genloom.server.call import Call, Event
from genloom.server.engines.process import HostProcess
from genloom.server.engines.stats import Stats


class Supervisor:
    def __init__(self) -> None:
        self.hosts: dict[str, HostProcess] = {}
        self._starting = asyncio.Lock()

    async def host(self, model: str) -> HostProcess:
        async with self._starting:
            found = self.hosts.get(model)
            if found is None or found.dead.is_set():
                found = self.hosts[model] = await HostProcess.start(model, home=store.home())
        return found

    async def about(self, model: str) -> Mapping[str, Any]:
        return (await self.host(model)).about

    async def run(self, call: Call) -> AsyncIterator[Event]:
        host = await self.host(call.model)
        async for event in host.run(call):
            yield event

    async def close(self) -> None:
        for host in self.hosts.values():
            await host.close()

    async def drain(self, seconds: float) -> None:
        await self.close()

    async def load(self, model: str) -> None:
        await self.host(model)

    async def unload(self, model: str) -> bool:
        host = self.hosts.pop(model, None)
        if host is not None:
            await host.close()
        return host is not None

    async def swap(self, model: str) -> None:
        await self.unload(model)
        await self.load(model)

    def stats(self) -> Stats:
        return Stats(draining=False)

    def unready(self) -> list[str]:
        return [f"{name} is down" for name, host in self.hosts.items() if host.dead.is_set()]
