"""Work beside its request: told in order, followed by many, ended by hand or with the server."""

from __future__ import annotations

import asyncio

import pytest

from genloom.server import runs
from genloom.server.failure import Failure
from genloom.server.runs import Run, Runs


async def read(run: Run, first: int = 0) -> list[bytes]:
    return [piece async for piece in run.follow(first)]


def test_all_followers_read_all_events_from_where_they_want() -> None:
    async def work(run: Run) -> None:
        for n in range(1, 4):
            await asyncio.sleep(0)
            run.tell(b"%d" % n)

    async def main() -> None:
        made = Runs()
        run = made.start("me", "x", [b"0"], work)
        early, late = asyncio.create_task(read(run)), asyncio.create_task(read(run, 2))
        assert made.find("me", "x") is run and made.find("you", "x") is None
        assert await early == [b"0", b"1", b"2", b"3"] and await late == [b"2", b"3"]
        assert await read(run, 9) == []
        await asyncio.sleep(0)
        assert made.find("me", "x") is None

    asyncio.run(main())


def test_a_follower_that_leaves_ends_nothing_and_cancelling_does() -> None:
    ended: list[str] = []

    async def work(run: Run) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("by hand" if run.cancelled else "with the server")
            run.tell(b"last")

    async def main() -> None:
        made = Runs()
        run = made.start("me", "x", [], work)
        follower = asyncio.create_task(read(run))
        await asyncio.sleep(0)
        follower.cancel()
        await asyncio.sleep(0)
        assert not run.over
        await run.cancel()
        assert run.over and await read(run) == [b"last"]
        other = made.start("me", "y", [], work)
        await asyncio.sleep(0)
        await made.close(0)
        assert other.over

    asyncio.run(main())
    assert ended == ["by hand", "with the server"]


def test_there_is_an_end_to_what_one_may_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_OF_ONE", 2)
    monkeypatch.setattr(runs, "MOST", 3)

    async def work(run: Run) -> None:
        await asyncio.sleep(60)

    async def main() -> list[int]:
        made, refused = Runs(), []
        for n, owner in enumerate(("me", "me", "me", "you", "you")):
            try:
                made.check(owner)
                made.start(owner, str(n), [], work)
            except Failure as failure:
                refused.append(failure.status)
        await made.close(0)
        return refused

    assert asyncio.run(main()) == [429, 503]
