"""Engines whose work is counted: quotas are asked before, and what was used is noted after.

Stands between routes and engines, so that no route can forget it. Work is charged also where the
client left: it was done. What is under way is held against the quotas, so that calls at one time
cannot pass them together; other servers of the same records are heard of with a moment's delay.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from genloom.server.call import Call, Engines, Event, Events
from genloom.server.caller import Caller
from genloom.server.engines.stats import Stats
from genloom.server.failure import Failure
from genloom.server.forecast import forecast, pictures
from genloom.server.records.records import Records
from genloom.server.records.usage import Amounts
from genloom.server.tally import TALLY, Tally
from genloom.server.threads import in_thread

LOG = logging.getLogger("genloom")
Quotas = tuple[tuple[str, Mapping[str, float]], ...]
FRESH, KNOWN = 2.0, 4096  # seconds, owners
PIECES = frozenset({"text", "delta"})
NEWER = 0.1  # weight of the newest measurement


class Metered:
    """Engines like those inside; see `call.Engines` for the meaning of each method."""

    def __init__(self, inside: Engines, records: Records) -> None:
        self.inside, self.journal, self.models = inside, records.journal, records.models
        self.quotas = QuotasOf(records)
        self.served: dict[str, str] = {}  # weights by model
        self.took: dict[str, float] = {}  # seconds that a call takes, by model

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

    def measure(self, model: str, seconds: float) -> None:
        before = self.took.get(model, seconds)
        self.took[model] = before + NEWER * (seconds - before)

    async def forecast(self, call: Call) -> Amounts:
        about = await self.about(call.model)
        return forecast(call, about, self.took.get(call.model, 0.0))

    async def about(self, model: str) -> Mapping[str, Any]:
        """Failure 504 where the request's time is over before the model is loaded."""
        tally = TALLY.get()
        try:
            async with asyncio.timeout(None if tally is None else tally.limit):
                return await self.inside.about(model)
        except TimeoutError:
            message = f"the time for this request was over before {model} was loaded"
            raise Failure(504, message, code="deadline_exceeded") from None

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
    """The events of one call. The call begins at once, or where there are quotas, once what it may
    use is held against them; that is settled when it ends, however it ends."""

    def __init__(self, engines: Metered, call: Call, tally: Tally) -> None:
        if call.deadline is None and tally.limit is not None:
            call = replace(call, deadline=tally.limit)
        self.engines, self.call, self.tally = engines, call, tally
        self.caller = tally.caller or Caller(owner=call.owner)
        self.work = Work()
        self.held: dict[str, Amounts] = {}  # by account
        self._counted = 0.0  # seconds
        self._checked = tally.caller is not None and not tally.caller.quotas
        self._events: Events | None = None
        if self._checked:
            self._events = engines.inside.run(self.call)

    @property
    def seconds(self) -> float:
        return 0.0 if self._events is None else self._events.seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._checked:
            self._checked = True
            await self._begin()
        if self._events is None:
            raise StopAsyncIteration
        try:
            event: Event = await self._events.__anext__()
        except BaseException:
            self._note()
            raise
        self.work.hear(event)
        if event.kind == "done":
            self.engines.measure(self.call.model, self.seconds)
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

    async def _begin(self) -> None:
        quotas, journal = self.caller.quotas, self.engines.journal
        if self.tally.caller is None:  # work in the background, begun before it was known here
            quotas = await in_thread(self.engines.quotas.of, self.call.owner)
        try:
            most = await self.engines.forecast(self.call) if quotas else Amounts()
            for account, told in quotas:
                await in_thread(journal.learn, account)
                self.held[account] = journal.reserve(account, told, most)
            self._events = self.engines.inside.run(self.call)
        except BaseException:
            self._note()
            raise

    def _note(self) -> None:
        work, self.work = self.work, Work()
        held, self.held = self.held, {}
        work.seconds, self._counted = self.seconds - self._counted, self.seconds
        used = work.amounts()
        if work.began:
            tally = self.tally
            tally.model = self.call.model
            tally.used += used
            tally.prompt_tokens += work.prompt
            tally.completion_tokens += work.made
        for account in {*self.caller.accounts, *held}:
            mine = used if account in self.caller.accounts else Amounts()
            self.engines.journal.settle(account, held.get(account, Amounts()), mine)


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
    """One call as its events tell of it. seconds: of a model's work, as the engines measure it."""

    def __init__(self) -> None:
        self.prompt = self.made = self.images = 0
        self.began = False
        self.seconds = 0.0

    def hear(self, event: Event) -> None:
        self.began = True
        values = event.values
        if event.kind == "done":
            usage = values.get("usage") or {}
            self.prompt = usage.get("prompt_tokens", 0)
            self.made = usage.get("completion_tokens", 0)
        elif event.kind == "asset":
            self.images += pictures(values.get("media"))
        elif event.kind in PIECES and isinstance(told := values.get("tokens"), int):
            self.made += told

    def amounts(self) -> Amounts:
        """A call that was given up before its first event has used time."""
        return Amounts(
            requests=int(self.began),
            tokens=self.prompt + self.made,
            images=self.images,
            seconds=self.seconds,
        )
