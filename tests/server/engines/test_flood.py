"""One owner asks for far more than there is; the others' calls take no more than twice as long."""

from __future__ import annotations

import asyncio
import time

import pytest
from engine_place import at_work, call, outcome, text

from genloom.server.engines.nursery import Nursery
from genloom.server.engines.supervisor import Supervisor


async def times(engines: Supervisor, writer: str, turns: int) -> list[float]:
    """Of one who asks, reads, and asks again: seconds of each call."""
    out = []
    for n in range(turns):
        began = time.perf_counter()
        await text(engines, call(writer, n, 30, owner="ann"))
        out.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)
    return out


def p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


async def flooded(engines: Supervisor, writer: str, turns: int, width: int) -> list[float]:
    async def one(seed: int) -> int:
        served = 0
        while not over.is_set():
            made = await outcome(engines, call(writer, seed, 60, owner="flood"))
            served += made[0] != "<"
            if made[0] == "<":
                await asyncio.sleep(0.05)
        return served

    over = asyncio.Event()
    tasks = [asyncio.create_task(one(n)) for n in range(width)]
    await asyncio.sleep(0.2)
    try:
        return await times(engines, writer, turns)
    finally:
        over.set()
        assert sum(await asyncio.gather(*tasks)) > 0  # a flood is slowed, not starved


def test_a_flood_takes_only_its_part(runner: asyncio.Runner, nursery: Nursery, writer: str) -> None:
    """What is in flight, exactly: the part beside others, most of the room alone."""

    async def main() -> None:
        async with at_work(nursery, writer, room=40, recent=0.2, per_owner=100) as engines:
            await text(engines, call(writer, owner="ann"))
            flood = [engines.run(call(writer, n, 40, owner="flood")) for n in range(60)]
            gate = engines.residents[writer].gate
            assert gate.streams == 5 and gate.share("flood") == 5.0
            events = engines.run(call(writer, 1, 5, owner="bob"))
            assert gate.streams == 6  # begun at once, ahead of 55
            assert [event.kind async for event in events][-1] == "done"
            await asyncio.sleep(0.4)
            assert gate.share("flood") == 32.0
            for one in flood:
                async for _ in one:
                    assert gate.streams <= 33
            assert engines.stats().models[0].counts.outcomes == {"done": 62}

    runner.run(main())


@pytest.mark.slow
def test_a_flood_leaves_the_others_time_within_twice(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer) as engines:
            await times(engines, writer, 5)
            calm: list[float] = []
            loud: list[float] = []
            for _ in range(4):  # by turns, so that whatever else the machine does is in both
                calm += await times(engines, writer, 30)
                loud += await flooded(engines, writer, 30, 100)
            assert p95(loud) < 2 * p95(calm), (p95(calm), p95(loud))

    runner.run(main())
