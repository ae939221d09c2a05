"""Memory: the idle model used longest ago makes room, numbers are told where none can, idle ones
are unloaded after a while."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
from engine_place import at_work, call, copied, outcome, text, until

from genloom.server.engines import memory
from genloom.server.engines.nursery import Nursery
from genloom.server.failure import Failure


def test_the_idle_one_used_longest_ago_makes_room(
    runner: asyncio.Runner, nursery: Nursery, writer: str, other: str, tmp_path: Path
) -> None:
    third = copied(writer, tmp_path / "third")

    async def main() -> None:
        async with at_work(nursery, writer, other, third) as engines:
            await text(engines, call(writer))
            await text(engines, call(other))
            await text(engines, call(writer, 1))
            await engines._measure()
            held = sum(one.memory for one in engines.stats().models)
            assert held > 32 << 20
            room = held + memory.needed(Path(third)) - (4 << 20)  # a little too small for three
            engines.limits = replace(engines.limits, memory=room)
            assert await text(engines, call(third))
            states = {one.model: one.state for one in engines.stats().models}
            assert states == {writer: "up", other: "cold", third: "up"}
            work = [asyncio.create_task(text(engines, call(m, 1, 200))) for m in (writer, third)]
            await until(lambda: engines.stats().running == 2)
            with pytest.raises(Failure) as told:
                await engines.load(other)
            assert (told.value.status, told.value.code) == (503, "out_of_resources")
            assert "MiB" in told.value.message and "retry-after" in told.value.headers
            assert all(await asyncio.gather(*work))

    runner.run(main())


def test_what_is_larger_than_all_there_is_is_refused(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, memory=1 << 20) as engines:
            calls = [outcome(engines, call(writer, n)) for n in range(3)]
            assert await asyncio.gather(*calls) == ["<out_of_resources>"] * 3
        async with at_work(nursery, writer, reserve=1 << 60) as engines:
            assert await outcome(engines, call(writer)) == "<out_of_resources>"

    runner.run(main())


def test_nobody_asks_and_it_is_unloaded_unless_it_is_kept(
    runner: asyncio.Runner, nursery: Nursery, writer: str, other: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, other, preload=(other,), idle=0.3) as engines:
            await asyncio.gather(text(engines, call(writer)), text(engines, call(other)))
            host = engines.residents[writer].hosts.current
            assert host is not None
            await until(lambda: engines.residents[writer].state == "cold")
            await until(lambda: host.dead and not os.path.exists(f"/proc/{host.born.pid}"))
            assert engines.residents[other].state == "up"
            assert engines.residents[writer].counts.unloads == 1
            assert await text(engines, call(writer))

    runner.run(main())


def test_memory_is_measured() -> None:
    assert memory.held(os.getpid()) > 1 << 20
    assert memory.held(2**22 + 7) == 0
    assert memory.free() > 1 << 20
