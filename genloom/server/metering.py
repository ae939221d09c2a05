"""Engines whose work is counted: quotas are asked before, and what was used is noted after.

Stands between routes and engines, so that no route can forget it. Work is charged also where the
client left: it was done. A quota is passed by at most what was under way when it was reached.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from genloom.server.call import Call, Engines, Event
from genloom.server.caller import Caller
from genloom.server.engines.stats import Stats
from genloom.server.failure import Failure
from genloom.server.records.records import Records
from genloom.server.records.usage import Amounts
from genloom.server.tally import TALLY, Tally
from genloom.server.threads import in_thread

LOG = logging.getLogger("genloom")
Quotas = tuple[tuple[str, Mapping[str, float]], ...]
FRESH, KNOWN = 2.0, 4096  # seconds, owners
PIECES = frozenset({"text", "delta"})
COUNTED = {"image": "images", "video": "images"}  # what a made thing counts as, by its medium


class Metered:
    """Engines like those inside; see `call.Engines` for the meaning of each method."""

    def __init__(self, inside: Engines, records: Records) -> None:
        self.inside, self.journal, self.models = inside, records.journal, records.models
        self.quotas = QuotasOf(records)
        self.served: dict[str, str] = {}  # weights by model

    def run(self, call: Call) -> Counted:
        tally = TALLY.get() or Tally()
        return Counted(self, replace(call, batch=True) if tally.batch else call, tally)

    async def remember(self, model: str) -> None:
        """What a model says of itself, for the time when it is not loaded; once for each load."""
        if model in self.served:
            return
        try:
            about = await self.inside.about(model)
            self.served[model] = str(about["weights"])
            await in_thread(self.models.served, model, self.served[model], about)
        except Failure as error:  # the answer was made all the same
            LOG.warning("what %s is was not remembered: %s", model, error.message)

    async def about(self, model: str) -> Mapping[str, Any]:
        return await self.inside.about(model)

    async def load(self, model: str) -> None:
        await self.inside.load(model)

    async def unload(self, model: str) -> bool:
        return await self.inside.unload(model)

    async def swap(self, model: str) -> None:
        await self.inside.swap(model)
        self.served.pop(model, None)

    async def drain(self, seconds: float) -> None:
        await self.inside.drain(seconds)

    def stats(self) -> Stats:
        return self.inside.stats()

    def unready(self) -> list[str]:
        return self.inside.unready()


class Counted:
    """The events of one call. The call begins at once, or where there are quotas, once they are
    read."""

    def __init__(self, engines: Metered, call: Call, tally: Tally) -> None:
        if call.deadline is None and tally.limit is not None:
            call = replace(call, deadline=tally.limit)
        self.engines, self.call, self.tally = engines, call, tally
        self.caller = tally.caller or Caller(owner=call.owner)
        self.work = Work()
        self._checked = tally.caller is not None and not tally.caller.quotas
        self._events: Any = engines.inside.run(self.call) if self._checked else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._checked:
            self._checked = True
            await self._check()
            self._events = self.engines.inside.run(self.call)
        if self._events is None:
            raise StopAsyncIteration
        try:
            event: Event = await self._events.__anext__()
        except BaseException:
            self._note()
            raise
        self.work.hear(event)
        if event.kind == "done":
            self._note()
            await self.engines.remember(self.call.model)
            self.tally.weights = self.engines.served.get(self.call.model, "")
        return event

    async def aclose(self) -> None:
        """Leave: the work is cancelled, and what was done of it is counted."""
        if self._events is not None:
            await self._events.aclose()
        self._note()

    def __del__(self) -> None:
        self._note()  # the events inside leave by themselves

    async def _check(self) -> None:
        quotas = self.caller.quotas
        if self.tally.caller is None:  # work in the background, begun before it was known here
            quotas = await in_thread(self.engines.quotas.of, self.call.owner)
        for account, told in quotas:
            await in_thread(self.engines.journal.check, account, told)

    def _note(self) -> None:
        work, self.work = self.work, Work()
        if not work.began:
            return
        used, tally = work.amounts(), self.tally
        tally.model = self.call.model
        tally.used += used
        tally.prompt_tokens += work.prompt
        tally.completion_tokens += work.made
        for account in self.caller.accounts:
            self.engines.journal.use(account, used)


class QuotasOf:
    """The quotas of an owner, remembered for a moment."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._known: dict[str, tuple[float, Quotas]] = {}

    def of(self, owner: str) -> Quotas:
        when, found = self._known.get(owner, (float("-inf"), ()))
        if time.monotonic() - when > FRESH:
            found = self._read(owner)
            if len(self._known) > KNOWN:
                self._known.clear()
            self._known[owner] = time.monotonic(), found
        return found

    def _read(self, owner: str) -> Quotas:
        for store in (self.records.users, self.records.keys):
            try:
                found = store.get(owner)
            except Failure as error:
                if error.status != 404:
                    raise
            else:
                return ((owner, found.quotas),) if found.quotas else ()
        return ()


class Work:
    """One call as its events tell of it. Seconds run from the first event to the last."""

    def __init__(self) -> None:
        self.prompt = self.made = self.images = 0
        self.began = self.ended = 0.0

    def hear(self, event: Event) -> None:
        self.ended = time.monotonic()
        self.began = self.began or self.ended
        values = event.values
        if event.kind == "done":
            usage = values.get("usage") or {}
            self.prompt = usage.get("prompt_tokens", 0)
            self.made = usage.get("completion_tokens", 0)
        elif event.kind == "asset":
            medium = str(values.get("media", "")).partition("/")[0]
            self.images += COUNTED.get(medium) == "images"
        elif event.kind in PIECES and isinstance(told := values.get("tokens"), int):
            self.made += told

    def amounts(self) -> Amounts:
        return Amounts(
            requests=1,
            tokens=self.prompt + self.made,
            images=self.images,
            seconds=self.ended - self.began,
        )
