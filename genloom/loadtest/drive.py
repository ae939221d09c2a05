"""The driver: sends requests as a load says, watches its own lateness, gives back all it saw."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from genloom.loadtest.exchange import Broken, Client
from genloom.loadtest.load import Load, Target
from genloom.loadtest.prompts import Prompts
from genloom.loadtest.stream import Seen, take

TICK = 0.01  # seconds between looks at how late the driver's own loop is
NOT_SENT = "not sent: too many open"


@dataclass(kw_only=True)
class Trace:
    """begin, end: the measured window; late: how late the driver's loop was, at every look; busy:
    its share of one core."""

    load: Load
    begin: float
    end: float
    seen: list[Seen] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    busy: float = 0.0

    @property
    def inside(self) -> list[Seen]:
        """The requests that were due inside the window."""
        return [one for one in self.seen if self.begin <= one.due < self.end]


Watch = Callable[[float, int, int], None]  # seconds gone, requests ended, requests open


async def drive(
    target: Target, prompts: Prompts, load: Load, watch: Watch = lambda gone, ended, opened: None
) -> Trace:
    """Run a load to its end; requests that are open then are read to theirs."""
    driver = _Driver(target, prompts, load)
    return await driver.run(watch)


class _Driver:
    def __init__(self, target: Target, prompts: Prompts, load: Load) -> None:
        self.target, self.prompts, self.load = target, prompts, load
        self.client = Client(target.url, target.key)
        start = time.perf_counter()
        begin = start + load.warmup
        self.start, self.trace = start, Trace(load=load, begin=begin, end=begin + load.seconds)
        self.tasks: set[asyncio.Task[Seen]] = set()
        self.sent = 0

    async def run(self, watch: Watch) -> Trace:
        spent = time.process_time()
        looking = asyncio.create_task(self._look(watch))
        try:
            await (self._arrivals() if self.load.rate is not None else self._rounds())
            while self.tasks:
                await asyncio.wait(self.tasks)
        finally:
            looking.cancel()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, looking, return_exceptions=True)
            self.client.close()
        self.trace.busy = (time.process_time() - spent) / (time.perf_counter() - self.start)
        return self.trace

    async def _arrivals(self) -> None:
        """Open loop: nothing that the server does changes when requests come."""
        for due in moments(self.load, self.start, self.trace.end):
            await asyncio.sleep(due - time.perf_counter())
            if len(self.tasks) >= self.load.most:
                self.trace.seen.append(Seen(due=due, sent=due, ended=due, error=NOT_SENT))
                continue
            task = asyncio.create_task(self._one(due))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _rounds(self) -> None:
        """Closed loop: so many askers, each of whom asks again when answered."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.load.concurrency or 1):
                group.create_task(self._round())

    async def _round(self) -> None:
        while (now := time.perf_counter()) < self.trace.end:
            seen = await self._one(now)
            if seen.error is not None:
                await asyncio.sleep(TICK)  # a server that refuses at once is not hammered

    async def _one(self, due: float) -> Seen:
        number, self.sent = self.sent, self.sent + 1
        seed = self.load.seed + number
        seen = await take(self.client, self.target, self.prompts[number], seed, due)
        self.trace.seen.append(seen)
        return seen

    async def _look(self, watch: Watch) -> None:
        """How late the loop is: so much is added to every time that is measured here."""
        told = 0.0
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            self.trace.late.append(max(0.0, now - before - TICK))
            if now - told > 0.5:
                told = now
                ended = len(self.trace.seen)
                watch(now - self.start, ended, self.sent - ended)


def moments(load: Load, start: float, end: float) -> Iterator[float]:
    """Poisson arrivals from start to end, the same for the same seed."""
    rng, due = random.Random(load.seed), start
    assert load.rate is not None
    while (due := due + rng.expovariate(load.rate)) < end:
        yield due


async def first(target: Target, prompts: Prompts, seed: int = 0) -> Seen:
    """One request before any load: it loads the model, and shows whether anything answers."""
    client = Client(target.url, target.key)
    try:
        return await take(client, target, prompts[0], seed, time.perf_counter())
    finally:
        client.close()


async def offered(target: Target) -> list[str]:
    """The models that a server says it has; empty where it does not say."""
    client, held = Client(target.url, target.key), bytearray()
    try:
        async with asyncio.timeout(target.timeout):
            path = f"{target.base}/models"
            status = await client.ask("GET", path, heard=lambda data, now: held.extend(data))
    except (OSError, Broken, TimeoutError):
        return []
    finally:
        client.close()
    try:
        return [str(one["id"]) for one in json.loads(held)["data"]] if status == 200 else []
    except (ValueError, KeyError, TypeError):
        return []
