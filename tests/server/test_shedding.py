"""A server that does not keep up turns away at the door: by who asks, and never who watches."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from genloom.server.failure import Failure
from genloom.server.layers.shedding import FEW, LATE, MOST, Shedding, watched
from genloom.server.life import Life
from genloom.server.measures import Measures


class Door:
    """The layer before an application that never answers."""

    def __init__(self, late: float) -> None:
        self.life = Life(late=late)
        self.service = SimpleNamespace(life=self.life, measures=Measures(self.life))
        self.layer = Shedding(self.waits)
        self.waiting: list[asyncio.Task[None]] = []

    async def waits(self, scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def comes(self, who: str, path: str = "/v1/completions") -> bool:
        """Whether it is let in."""
        app = SimpleNamespace(state=SimpleNamespace(service=self.service))
        headers = [(b"authorization", who.encode())]
        scope = {"type": "http", "path": path, "headers": headers, "app": app}
        task = asyncio.create_task(self.layer(scope, None, None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        if not task.done():
            self.waiting.append(task)
            return True
        with pytest.raises(Failure) as told:
            task.result()
        assert (told.value.status, told.value.code) == (503, "overloaded")
        assert told.value.headers["retry-after"] == "1"
        return False

    async def empty(self) -> None:
        for task in self.waiting:
            task.cancel()
        await asyncio.gather(*self.waiting, return_exceptions=True)


def test_a_flood_is_turned_away_and_others_are_let_in() -> None:
    async def main() -> None:
        door = Door(late=2 * LATE)
        assert [await door.comes("flood") for _ in range(MOST + 20)].count(True) == MOST
        assert [await door.comes("ann") for _ in range(FEW)].count(True) == FEW
        assert await door.comes("flood", "/metrics") and await door.comes("flood", "/v1/admin/keys")
        text = door.service.measures.text().decode()
        assert "genloom_requests_shed_total 20.0" in text
        await door.empty()
        assert not door.layer.here
        assert await door.comes("flood")
        await door.empty()

    asyncio.run(main())


def test_nobody_is_turned_away_by_a_server_that_keeps_up() -> None:
    async def main() -> None:
        door = Door(late=LATE / 2)
        assert all([await door.comes("flood") for _ in range(4 * MOST)])
        await door.empty()

    asyncio.run(main())


def test_how_late_the_loop_is_is_seen() -> None:
    async def main() -> None:
        door = Door(late=0.0)
        task = asyncio.create_task(watched(door.service))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        begun = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun < 0.7:
            pass  # whatever holds the loop up
        await asyncio.sleep(0.02)  # the next look is later
        assert door.life.late > LATE
        task.cancel()

    asyncio.run(main())
