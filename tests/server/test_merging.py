"""Several streams as one: all of each, some at a time, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

import pytest

from genloom.server import merging
from genloom.server.merging import merged


class Streams:
    """How many are open, and how many were at most."""

    def __init__(self) -> None:
        self.open = self.most = self.started = 0

    async def count(self, number: int) -> AsyncGenerator[int, None]:
        self.open += 1
        self.started += 1
        self.most = max(self.most, self.open)
        try:
            for n in range(3):
                await asyncio.sleep(0)
                if number == 90:
                    raise ValueError("broken")
                yield number * 10 + n
        finally:
            self.open -= 1


@pytest.mark.parametrize("many", [1, 3, 20])
def test_every_piece_comes_once_with_the_number_of_its_stream(many: int) -> None:
    streams = Streams()

    async def main() -> list[tuple[int, int]]:
        return [one async for one in merged([partial(streams.count, n) for n in range(many)])]

    told = asyncio.run(main())
    assert sorted(told) == [(n, n * 10 + k) for n in range(many) for k in range(3)]
    assert streams.open == 0 and streams.most <= merging.AT_ONCE


def test_an_error_and_leaving_end_all_of_them() -> None:
    streams = Streams()

    async def broken() -> None:
        async for _ in merged([partial(streams.count, n) for n in (1, 90, 3)]):
            pass

    async def left() -> None:
        pieces = merged([partial(streams.count, n) for n in range(20)])
        await anext(pieces)
        await pieces.aclose()

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(broken())
    asyncio.run(left())
    assert streams.open == 0 and streams.started < 20
