"""All hosts by model: started when asked for. The one implementation of `call.Engines`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from genloom import store
from genloom.server.call import Call, Event
from genloom.server.engines.process import HostProcess


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
