"""One question for all who wait, and nobody in line behind them."""

from __future__ import annotations

import asyncio

import pytest

from genloom.server.remembered import Remembered

MANY, FEW = 500, 10


def test_many_wait_for_one_answer_and_go_on_together() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await let_go.wait()
        return asked

    async def go() -> None:
        answers = [asyncio.create_task(remembered()) for _ in range(MANY)]
        await asyncio.sleep(0.01)
        let_go.set()
        for _ in range(FEW):  # turns of the loop, far fewer than there are who wait
            await asyncio.sleep(0)
        assert all(one.done() and one.result() == 1 for one in answers)
        assert await remembered() == 1 and asked == 1

    let_go = asyncio.Event()
    remembered = Remembered(ask, 60.0)
    asyncio.run(go())


def test_an_answer_grows_old_or_is_forgotten() -> None:
    answers = iter(range(9))

    async def ask() -> int:
        return next(answers)

    async def go() -> None:
        old, kept = Remembered(ask, -1.0), Remembered(ask, 60.0)
        assert [await old(), await old()] == [0, 1] and old.believed == 1
        assert [await kept(), await kept()] == [2, 2]
        kept.forget()
        assert kept.believed is None and await kept() == 3

    asyncio.run(go())


def test_what_is_asked_while_it_is_forgotten_is_not_kept() -> None:
    answers, let_go = iter(("before", "after")), asyncio.Event()

    async def ask() -> str:
        found = next(answers)
        await let_go.wait()
        return found

    async def go() -> None:
        remembered = Remembered(ask, 60.0)
        early = asyncio.create_task(remembered())
        await asyncio.sleep(0)
        remembered.forget()
        late = asyncio.create_task(remembered())
        await asyncio.sleep(0)
        let_go.set()
        assert (await early, await late, await remembered()) == ("before", "after", "after")

    asyncio.run(go())


def test_who_leaves_leaves_the_others_waiting_and_errors_reach_them() -> None:
    let_go = asyncio.Event()

    async def ask() -> int:
        await let_go.wait()
        raise OSError("no records")

    async def go() -> None:
        remembered = Remembered(ask, 60.0)
        first, second = (asyncio.create_task(remembered()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        let_go.set()
        with pytest.raises(OSError, match="no records"):
            await second
        assert first.cancelled() and remembered.believed is None

    asyncio.run(go())
