"""Engines whose work is counted: quotas are asked before, and what was used is noted after.

Stands between routes and engines, so that no route can forget it. Work is charged also where the
client left: it was done. A quota is passed by at most what was under way when it was reached.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, cast

from genloom.server.call import Call, Engines, Event
from genloom.server.caller import Caller
from genloom.server.engines.stats import Stats
from genloom.server.records.journal import Journal
from genloom.server.records.usage import Amounts
from genloom.server.tally import TALLY, Tally
from genloom.server.threads import in_thread

COUNTED = {"image": "images", "video": "images"}  # what a made thing counts as, by its medium


class Metered:
    """Engines like those inside; see `call.Engines` for the meaning of each method."""

    def __init__(self, inside: Engines, journal: Journal) -> None:
        self.inside, self.journal = inside, journal

    async def run(self, call: Call) -> AsyncGenerator[Event, None]:
        tally = TALLY.get() or Tally()
        caller = tally.caller or Caller(owner=call.owner)
        for account, quotas in caller.quotas:
            await in_thread(self.journal.check, account, quotas)
        work = Work()
        events = cast(AsyncGenerator[Event, None], self.inside.run(call))
        try:
            async with aclosing(events):
                async for event in events:
                    work.hear(event)
                    yield event
        finally:
            self._note(call, caller, tally, work)

    def _note(self, call: Call, caller: Caller, tally: Tally, work: Work) -> None:
        used = work.amounts()
        tally.model = call.model
        tally.used += used
        tally.prompt_tokens += work.prompt
        tally.completion_tokens += work.made
        for account in caller.accounts:
            self.journal.use(account, used)

    async def about(self, model: str) -> Mapping[str, Any]:
        return await self.inside.about(model)

    async def load(self, model: str) -> None:
        await self.inside.load(model)

    async def unload(self, model: str) -> bool:
        return await self.inside.unload(model)

    async def swap(self, model: str) -> None:
        await self.inside.swap(model)

    async def drain(self, seconds: float) -> None:
        await self.inside.drain(seconds)

    def stats(self) -> Stats:
        return self.inside.stats()

    def unready(self) -> list[str]:
        return self.inside.unready()


class Work:
    """One call as its events tell of it. Seconds run from the first event to the last."""

    def __init__(self) -> None:
        self.prompt = self.made = self.images = 0
        self._began = 0.0

    def hear(self, event: Event) -> None:
        self._began = self._began or time.monotonic()
        values = event.values
        if event.kind == "done":
            usage = values.get("usage", {})
            self.prompt = usage.get("prompt_tokens", 0)
            self.made = usage.get("completion_tokens", 0)
        elif event.kind == "asset":
            medium = str(values.get("media", "")).partition("/")[0]
            self.images += COUNTED.get(medium) == "images"
        elif event.kind != "ended":
            self.made += values.get("tokens", 0) if isinstance(values.get("tokens"), int) else 0

    def amounts(self) -> Amounts:
        seconds = time.monotonic() - self._began if self._began else 0.0
        return Amounts(
            requests=1, tokens=self.prompt + self.made, images=self.images, seconds=seconds
        )
