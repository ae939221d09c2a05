"""Events between host and client: joined while they wait, in order, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from genloom.server.call import Event
from genloom.server.engines import channel as channels
from genloom.server.engines.channel import Channel
from genloom.server.failure import Failure


def run(work: Awaitable[Any]) -> Any:
    async def main() -> Any:
        return await work

    return asyncio.run(main())


async def drained(channel: Channel) -> list[Event]:
    channel.close()
    out = []
    while (event := await channel.take()) is not None:
        out.append(event)
    return out


def test_pieces_not_taken_are_one_piece() -> None:
    async def main() -> list[Event]:
        channel = Channel(asyncio.get_running_loop())
        for n, letter in enumerate("abc"):
            values = {"sample": 0, "text": letter, "tokens": 1, "logprobs": [n]}
            assert channel.put("text", values, None)
            channel.put("text", {"sample": 1, "text": letter.upper(), "tokens": 1}, None)
        channel.put("ended", {"sample": 0, "finish": "stop"}, None)
        return await drained(channel)

    first, second, ended = run(main())
    assert first.values == {"sample": 0, "text": "abc", "tokens": 3, "logprobs": [0, 1, 2]}
    assert second.values == {"sample": 1, "text": "ABC", "tokens": 3}
    assert ended.kind == "ended"


def test_what_tells_of_different_things_stays_apart() -> None:
    async def main() -> list[Event]:
        channel = Channel(asyncio.get_running_loop())
        channel.put("delta", {"sample": 0, "reasoning": "so", "tokens": 1}, None)
        channel.put("delta", {"sample": 0, "content": "a", "tokens": 1}, None)
        channel.put("delta", {"sample": 0, "content": "b", "tokens": 1}, None)
        return await drained(channel)

    told = [event.values for event in run(main())]
    assert told == [
        {"sample": 0, "reasoning": "so", "tokens": 1},
        {"sample": 0, "content": "ab", "tokens": 2},
    ]


def test_a_preview_gives_way_to_the_next() -> None:
    async def main() -> list[Event]:
        channel = Channel(asyncio.get_running_loop())
        for step in range(3):
            channel.put("preview", {"sample": 0, "step": step}, bytes(10 + step))
        assert channel.bytes == 12
        return await drained(channel)

    (event,) = run(main())
    assert event.values == {"sample": 0, "step": 2} and event.blob == bytes(12)


def test_what_was_taken_is_not_added_to() -> None:
    async def main() -> tuple[Event | None, list[Event]]:
        channel = Channel(asyncio.get_running_loop())
        channel.put("text", {"sample": 0, "text": "a"}, None)
        assert channel.since is not None
        first = await channel.take()
        assert channel.since is None and channel.taken == 1
        channel.put("text", {"sample": 0, "text": "b"}, None)
        return first, await drained(channel)

    first, rest = run(main())
    assert first is not None and first.values["text"] == "a"
    assert [event.values["text"] for event in rest] == ["b"]


def test_a_failure_comes_behind_what_was_made() -> None:
    async def main() -> None:
        channel = Channel(asyncio.get_running_loop())
        channel.put("text", {"sample": 0, "text": "a"}, None)
        channel.close(Failure(504, "late"))
        channel.close()
        assert (await channel.take()) is not None
        for _ in range(2):
            with pytest.raises(Failure, match="late"):
                await channel.take()

    run(main())


def test_who_waits_is_woken() -> None:
    async def main() -> Event | None:
        channel = Channel(asyncio.get_running_loop())
        waiting = asyncio.create_task(channel.take())
        await asyncio.sleep(0)
        channel.put("done", {}, None)
        return await waiting

    event = run(main())
    assert event is not None and event.kind == "done"


def test_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MOST_EVENTS", 3)
    monkeypatch.setattr(channels, "MOST_BYTES", 100)

    async def main() -> None:
        channel = Channel(asyncio.get_running_loop())
        assert channel.put("asset", {}, bytes(60))
        assert not channel.put("asset", {}, bytes(60))
        channel.clear()
        assert [channel.put("asset", {}, None) for _ in range(4)] == [True, True, True, False]

    run(main())
