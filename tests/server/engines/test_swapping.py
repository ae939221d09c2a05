"""A model that changes on disk: what runs finishes on the old one, a damaged one is not taken."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from engine_place import at_work, call, copied, damaged, pid, text, until

from genloom.server.engines.nursery import Nursery
from genloom.server.failure import Failure


def test_streams_finish_on_the_old_one_and_new_calls_go_to_the_new(
    runner: asyncio.Runner, nursery: Nursery, writer: str, other: str, tmp_path: Path
) -> None:
    place = copied(writer, tmp_path / "place")

    async def main() -> None:
        async with at_work(nursery, place, other) as engines:
            long, short = call(place, 1, 240), call(place, 2, 20)
            old = await text(engines, long), await text(engines, short)
            new = await text(engines, call(other, 2, 20))
            assert new != old[1]
            before = pid(engines, place)
            events = engines.run(long)
            made = (await anext(events)).values["text"]
            copied(other, Path(place))
            await engines.swap(place)
            assert pid(engines, place) != before
            assert await text(engines, short) == new
            made += "".join([event.values.get("text", "") async for event in events])
            assert made == old[0]
            await until(lambda: not engines.residents[place].hosts.old)
            assert engines.residents[place].counts.swaps == 1

    runner.run(main())


def test_a_damaged_one_is_refused_and_the_old_one_goes_on(
    runner: asyncio.Runner, nursery: Nursery, writer: str, tmp_path: Path
) -> None:
    place = copied(writer, tmp_path / "place")

    async def main() -> None:
        async with at_work(nursery, place) as engines:
            wanted = await text(engines, call(place, 1, 200))
            before = pid(engines, place)
            task = asyncio.create_task(text(engines, call(place, 1, 200)))
            damaged(writer, tmp_path / "bad")
            copied(str(tmp_path / "bad"), Path(place))
            with pytest.raises(Failure) as told:
                await engines.swap(place)
            assert (told.value.status, told.value.code) == (422, "integrity_mismatch")
            assert await task == wanted == await text(engines, call(place, 1, 200))
            assert pid(engines, place) == before and engines.unready() == []
            assert engines.residents[place].counts.swaps == 0

    runner.run(main())


def test_a_change_on_disk_is_seen_by_itself_once(
    runner: asyncio.Runner, nursery: Nursery, writer: str, other: str, tmp_path: Path
) -> None:
    place = copied(writer, tmp_path / "place")

    async def main() -> None:
        async with at_work(nursery, place, fresh=0.0) as engines:
            resident_text = await text(engines, call(place, 2, 20))
            resident = engines.residents[place]
            copied(damaged(writer, tmp_path / "bad"), Path(place))
            for _ in range(3):  # looked at three times, tried once
                assert await text(engines, call(place, 2, 20)) == resident_text
                await until(lambda: not resident.hosts.swapping)
            assert resident.counts.failed_loads == 1
            copied(other, Path(place))
            await text(engines, call(place, 2, 20))
            await until(lambda: resident.counts.swaps == 1)
            assert await text(engines, call(place, 2, 20)) != resident_text

    runner.run(main())


def test_a_model_that_is_removed_is_no_longer_offered(
    runner: asyncio.Runner, nursery: Nursery, writer: str, tmp_path: Path
) -> None:
    place = copied(writer, tmp_path / "place")

    async def main() -> None:
        async with at_work(nursery, place, fresh=0.0) as engines:
            events = engines.run(call(place, 1, 200))
            await anext(events)
            shutil.rmtree(place)
            with pytest.raises(Failure) as told:
                engines.run(call(place))
            assert told.value.code == "model_not_found"
            assert [event.kind async for event in events][-1] == "done"
            await until(lambda: not engines.residents[place].hosts.all)

    runner.run(main())
