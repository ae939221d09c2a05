"""Calls on models in processes: exact answers, refusals, deadlines, clients that leave or sleep."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from engine_place import at_work, call, damaged, host_stats, outcome, pid, text, until

from genloom import api
from genloom.server.call import Call, Event
from genloom.server.engines.nursery import Nursery
from genloom.server.failure import Failure
from genloom.spec import Options


def test_answers_are_those_of_the_model_and_one_load_serves_all(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    wanted = [
        api.load(writer).generate("the ", seed=seed, options=Options(max_tokens=8, ignore_eos=True))
        for seed in range(4)
    ]

    async def main() -> None:
        async with at_work(nursery, writer) as engines:
            events: list[Event] = []
            asked = [call(writer, seed) for seed in range(4)]
            first = text(engines, asked[0], events)
            made = await asyncio.gather(first, *(text(engines, one) for one in asked[1:]))
            assert [f"the {one}" for one in made] == [str(one[0]) for one in wanted]
            assert events[-1].kind == "done" and events[-1].values["usage"]["prompt_tokens"] >= 4
            (told,) = engines.stats().models
            assert told.counts.loads == 1 and told.counts.outcomes == {"done": 4}
            assert told.counts.tokens["completion_tokens"] == 32
            assert sum(told.counts.first.counts) == sum(told.counts.work.counts) == 4
            assert (told.state, told.queued, told.running, told.streams) == ("up", 0, 0, 0)
            assert (await engines.about(writer))["texts"] and engines.unready() == []

    runner.run(main())


def test_what_is_not_offered_is_not_there(
    runner: asyncio.Runner, nursery: Nursery, writer: str, tmp_path: Path
) -> None:
    gone = str(tmp_path / "gone")

    async def main() -> None:
        async with at_work(nursery, writer, gone) as engines:
            for name in ("no", "../../etc", f"{writer}/../writer", gone, "", "\0"):
                with pytest.raises(Failure) as told:
                    engines.run(call(name))
                assert (told.value.status, told.value.code) == (404, "model_not_found")
                assert told.value.param == "model"
            assert not engines.residents

    runner.run(main())


def test_errors_of_a_request_are_its_own(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer) as engines:
            good = asyncio.create_task(text(engines, call(writer, tokens=40)))
            odd = Call(model=writer, task="complete", given={"prompt": "a", "seed": {1, 2}})
            for wrong in (Call(model=writer, task="fly", given={}), odd):
                with pytest.raises(Failure) as told:
                    await text(engines, wrong)
                assert told.value.status == 400
            assert len(await good) > 0

    runner.run(main())


def test_a_full_queue_refuses_and_says_when_to_ask_again(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        limits = {"room": 2, "alone": 1.0, "waiting": 4, "per_owner": 3}
        async with at_work(nursery, writer, **limits) as engines:
            await text(engines, call(writer, owner="flood"))
            flood = [engines.run(call(writer, n, 100, owner="flood")) for n in range(5)]
            assert (engines.stats().running, engines.stats().queued) == (2, 3)
            with pytest.raises(Failure) as told:
                engines.run(call(writer, owner="flood"))
            assert (told.value.status, told.value.code) == (429, "rate_limit_exceeded")
            assert int(told.value.headers["retry-after"]) >= 1
            bob = engines.run(call(writer, owner="bob"))
            assert engines.stats().queued == 4
            with pytest.raises(Failure) as told:
                engines.run(call(writer, owner="cy"))
            assert (told.value.status, told.value.code) == (503, "overloaded")
            assert int(told.value.headers["retry-after"]) >= 1
            for events in (*flood, bob):  # who was admitted is served
                assert [event.kind async for event in events][-1] == "done"
            counts = engines.stats().models[0].counts
            assert counts.refused == {"rate_limit_exceeded": 1, "overloaded": 1}

    runner.run(main())


def test_calls_that_may_wait_go_behind_and_leave_room(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, room=4, alone=1.0) as engines:
            await text(engines, call(writer))
            gate = engines.residents[writer].gate
            batch = [engines.run(call(writer, n, 60, batch=True, owner="job")) for n in range(6)]
            assert (gate.streams, len(gate.queue)) == (1, 5)  # ann was here a moment ago
            first = [engines.run(call(writer, n, 60, owner=f"owner {n}")) for n in range(3)]
            assert (gate.streams, len(gate.queue)) == (4, 5)
            later = engines.run(call(writer, 9, 5, owner="ann"))
            assert next(iter(gate.queue)).owner == "ann"
            for events in (*batch, *first, later):
                assert [event.kind async for event in events][-1] == "done"

    runner.run(main())


def test_what_cannot_begin_in_time_or_is_too_much_to_hold_is_refused_at_once(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, room=1, waiting_bytes=10) as engines:
            await text(engines, call(writer, tokens=100))
            kept = [engines.run(call(writer, n, 20)) for n in range(3)]
            with pytest.raises(Failure) as told:
                engines.run(call(writer, deadline=1e-6))
            assert (told.value.status, told.value.code) == (503, "overloaded")
            with pytest.raises(Failure) as told:
                engines.run(call(writer, blobs={"item": bytes(11)}))
            assert (told.value.status, told.value.code) == (503, "overloaded")
            for events in kept:
                await events.aclose()
            assert engines.stats().queued == engines.stats().running == 0

    runner.run(main())


def test_time_runs_out_for_those_who_wait_and_those_who_run(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, room=1, alone=1.0) as engines:
            await text(engines, call(writer, tokens=1))
            running = outcome(engines, call(writer, 1, 1000, deadline=0.12))
            waiting = outcome(engines, call(writer, 2, 1000, deadline=0.08, owner="bob"))
            ran, waited = await asyncio.gather(running, waiting)
            assert ran == "<deadline_exceeded>"
            # where the first answer took long, it is told at once that its time will not do
            assert waited in ("<deadline_exceeded>", "<overloaded>")
            assert engines.stats().running == 0
            await until(lambda: host_stats(engines, writer).get("open") == 0)
            assert await text(engines, call(writer, 3)) != ""

    runner.run(main())


def test_a_thousand_who_leave_leave_nothing_behind(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def leave(engines, seed: int) -> None:
        """A third each at once, while waiting for an event, and after some."""
        events = engines.run(call(writer, seed, 200, owner=f"owner {seed % 7}"))
        if seed % 3 == 1:
            task = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.01 * (seed % 5))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        elif seed % 3 == 2:
            await anext(events)

    async def main() -> None:
        async with at_work(nursery, writer, room=32, waiting=1000, per_owner=1000) as engines:
            await text(engines, call(writer))
            for start in range(0, 1000, 100):
                await asyncio.gather(*(leave(engines, start + n) for n in range(100)))
            stays = await text(engines, call(writer, 5, 20))
            gc.collect()
            told = engines.stats()
            assert told.queued == told.running == told.models[0].streams == 0
            counts = told.models[0].counts.outcomes
            assert counts["left"] + counts["done"] == 1002 and counts["left"] > 900
            host = engines.residents[writer].hosts.current
            assert host is not None and not host.listeners
            await until(lambda: host_stats(engines, writer).get("open") == 0)
            seen = host_stats(engines, writer)["ticks"]
            await until(lambda: host_stats(engines, writer)["ticks"] == seen, 5)
            assert host_stats(engines, writer)["preparing"] == 0
            used = host_stats(engines, writer)["pages_used"]
            assert used == 0
            assert await text(engines, call(writer, 5, 20)) == stays

    runner.run(main())


def test_a_client_that_takes_nothing_is_left_and_its_mates_are_not(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, slow=0.2) as engines:
            alone = await text(engines, call(writer, 1, 250))
            sleeper = engines.run(call(writer, 0, 1000, count=16))  # not done in 0.2 s
            await anext(sleeper)
            mate = text(engines, call(writer, 1, 250))
            made = await asyncio.gather(mate, until(lambda: engines.stats().running == 0))
            assert made[0] == alone
            with pytest.raises(Failure) as told:
                await anext(sleeper)
            assert told.value.code == "slow_client"
            counts = engines.stats().models[0].counts.outcomes
            assert counts == {"done": 2, "slow_client": 1}

    runner.run(main())


def test_a_call_of_many_samples_takes_its_room(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, room=8, recent=0.0) as engines:
            await text(engines, call(writer))
            owners = ("ann", "bob", "cy", "dan", "eve")
            calls = [engines.run(call(writer, 0, 40, count=3, owner=one)) for one in owners]
            (told,) = engines.stats().models  # one call takes a fourth of the room at most
            assert (told.streams, told.running, told.queued) == (8, 4, 1)
            for events in calls:
                samples = {event.values.get("sample") async for event in events}
                assert samples == {0, 1, 2, None}

    runner.run(main())


def test_a_model_that_is_damaged_is_told_so_and_not_tried_again_at_once(
    runner: asyncio.Runner, nursery: Nursery, writer: str, tmp_path: Path
) -> None:
    broken = Path(damaged(writer, tmp_path / "broken"))

    async def main() -> None:
        async with at_work(nursery, str(broken)) as engines:
            calls = [outcome(engines, call(str(broken), n)) for n in range(3)]
            assert await asyncio.gather(*calls) == ["<integrity_mismatch>"] * 3
            assert await outcome(engines, call(str(broken))) == "<integrity_mismatch>"
            (told,) = engines.stats().models
            assert told.state == "failed" and told.counts.failed_loads == 1
            with pytest.raises(Failure, match="does not match its checksum") as failed:
                await engines.load(str(broken))
            assert str(tmp_path) not in failed.value.message

    runner.run(main())


def test_unloading_waits_for_what_is_under_way(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer) as engines:
            assert not await engines.unload(writer)
            task = asyncio.create_task(text(engines, call(writer, 1, 120)))
            await until(lambda: engines.stats().running == 1)
            before = pid(engines, writer)
            assert await engines.unload(writer)
            assert task.done() and await task
            assert engines.stats().models[0].state == "cold"
            assert await text(engines, call(writer))
            assert pid(engines, writer) != before
            assert engines.stats().models[0].counts.unloads == 1

    runner.run(main())
