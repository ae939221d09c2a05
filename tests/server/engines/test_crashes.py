"""Engines that die or fall silent under load: typed ends, one quiet retry, poison, backoff."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import pytest
from engine_place import at_work, call, kill, outcome, pid, text, until

from genloom.server.call import Call
from genloom.server.engines.nursery import Nursery
from genloom.server.engines.supervisor import Supervisor
from genloom.server.failure import Failure


def test_an_engine_killed_in_the_middle_of_32_streams(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    """Streams that told something end with a typed event; the rest are made again, to the letter;
    the engine is back, and not ready meanwhile."""

    async def main() -> None:
        async with at_work(nursery, writer) as engines:
            asked = [call(writer, seed, 200) for seed in range(32)]
            wanted = await asyncio.gather(*(text(engines, one) for one in asked))
            told = [engines.run(one) for one in asked[:16]]
            first = [await anext(one) for one in told]
            silent = [engines.run(one) for one in asked[16:]]  # begun, and nothing taken of them
            await until(lambda: engines.stats().running == 32)
            before = kill(engines, writer)
            await until(lambda: engines.unready() != [])
            assert "down" in engines.unready()[0]
            for event, one in zip(first, told, strict=True):
                assert event.values["text"]
                with pytest.raises(Failure) as failed:
                    async for _ in one:
                        pass
                assert (failed.value.status, failed.value.code) == (503, "engine_restarted")
            again = [await joined(one) for one in silent]
            assert again == wanted[16:]
            assert engines.unready() == [] and pid(engines, writer) != before
            assert await text(engines, asked[0]) == wanted[0]
            counts = engines.stats().models[0].counts
            assert (counts.restarts, counts.loads, counts.retries) == (1, 2, 16)
            assert counts.outcomes == {"done": 49, "engine_restarted": 16}

    async def joined(events) -> str:
        return "".join([event.values.get("text", "") async for event in events])

    runner.run(main())


async def fatal(engines: Supervisor, asked: Call) -> str:
    """A request that its engine always dies of: the engine is killed whenever it has begun it."""

    async def murder() -> None:
        while True:
            host = engines.residents[asked.model].hosts.current
            if host is not None and any(one.call is asked for one in host.listeners.values()):
                with suppress(ProcessLookupError):
                    os.kill(host.born.pid, signal.SIGKILL)
                await host.gone()
            await asyncio.sleep(0.001)

    engines._resident(asked.model)
    task = asyncio.create_task(murder())
    try:
        for _ in range(5):
            made = await outcome(engines, asked)
            if made != "<engine_restarted>":  # said where a word was told before the kill
                break
        return made
    finally:
        task.cancel()


def test_a_request_that_kills_twice_is_refused_and_nobody_else(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, backoff=0.05) as engines:
            bad = call(writer, 666, 250)
            assert await fatal(engines, bad) == "<poison_request>"
            assert engines.stats().models[0].counts.restarts == 2
            with pytest.raises(Failure) as told:
                engines.run(call(writer, 666, 250, owner="somebody else"))
            assert (told.value.status, told.value.code) == (422, "poison_request")
            assert await text(engines, call(writer, 667, 20))

    runner.run(main())


def test_neighbours_of_a_poison_are_served_in_the_end(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, backoff=0.05) as engines:
            near = [call(writer, seed, 120) for seed in range(3)]
            wanted = await asyncio.gather(*(text(engines, one) for one in near))
            bad = call(writer, 666, 250)

            async def patient(one: Call) -> str:
                for _ in range(5):
                    made = await outcome(engines, one)
                    if made != "<engine_restarted>":
                        return made
                return "never"

            made = await asyncio.gather(*(patient(one) for one in near), fatal(engines, bad))
            assert made == [*wanted, "<poison_request>"]
            assert engines.stats().models[0].counts.restarts <= 4

    runner.run(main())


def test_an_engine_that_says_nothing_is_ended(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, silent=2.5) as engines:
            events = engines.run(call(writer, 1, 250))
            await anext(events)
            before = kill(engines, writer, signal.SIGSTOP)
            with pytest.raises(Failure) as told:
                async for _ in events:
                    pass
            assert told.value.code == "engine_restarted"
            assert await text(engines, call(writer, 1))
            assert pid(engines, writer) != before

    runner.run(main())


def test_an_idle_engine_that_died_comes_back_by_itself(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, preload=(writer,)) as engines:
            assert "loading" in engines.unready()[0]
            await until(lambda: engines.unready() == [])
            before = kill(engines, writer)
            await until(lambda: engines.unready() != [])
            await until(lambda: engines.unready() == [])
            assert pid(engines, writer) != before

    runner.run(main())
