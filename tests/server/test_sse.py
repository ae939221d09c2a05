"""The writer of events, driven as an ASGI server drives it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from genloom.server import sse
from genloom.server.failure import Failure
from genloom.server.sse import EventStream, event


class Client:
    """What a server sees of a client: it takes bodies until it leaves, perhaps one a while."""

    def __init__(self, pause: float = 0.0) -> None:
        self.bodies: list[bytes] = []
        self.status: int | None = None
        self.over = False
        self.pause = pause
        self.left = asyncio.Event()

    async def send(self, message: Any) -> None:
        await asyncio.sleep(self.pause)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        else:
            self.bodies += [message["body"]] if message["body"] else []
            self.over = not message["more_body"]

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}


Source = Callable[[], AsyncGenerator[bytes, None]]


def served(source: Source, client: Client | None = None, **how: Any) -> Client:
    async def run() -> Client:
        seen = client or Client()
        await asyncio.wait_for(EventStream(source(), **how)({}, seen.receive, seen.send), 10)
        return seen

    return asyncio.run(run())


def test_what_waits_goes_out_in_one_write() -> None:
    async def source() -> AsyncGenerator[bytes, None]:
        yield b"a"
        yield b"b"
        await asyncio.sleep(0.01)
        yield b"c"

    client = served(source)
    assert (client.status, client.bodies, client.over) == (200, [b"ab", b"c"], True)
    assert client.headers[b"content-type"].startswith(b"text/event-stream")
    assert b"content-length" not in client.headers


def test_silence_is_filled_with_comments_and_the_status_goes_out_with_the_first() -> None:
    client = Client()

    async def source() -> AsyncGenerator[bytes, None]:
        while len(client.bodies) < 3:  # a busy machine is late with all of them
            await asyncio.sleep(0.01)
        yield b"a"

    served(source, client, ping=0.03)
    assert client.bodies[-1] == b"a" and len(client.bodies) > 2
    assert set(client.bodies[:-1]) == {b": ping\n\n"}


def test_no_comment_between_pieces_that_come_quickly() -> None:
    async def source() -> AsyncGenerator[bytes, None]:
        for _ in range(20):
            await asyncio.sleep(0.005)
            yield b"x"

    assert b"ping" not in b"".join(served(source, ping=0.05).bodies)


def test_a_failure_before_the_first_piece_is_no_stream() -> None:
    async def source() -> AsyncGenerator[bytes, None]:
        raise Failure(400, "no", code="x")
        yield b""

    with pytest.raises(Failure, match="no"):
        served(source)


@pytest.mark.parametrize("error", [Failure(500, "gone", code="engine_restarted"), KeyError("x")])
def test_a_failure_in_the_middle_is_the_last_event(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def source() -> AsyncGenerator[bytes, None]:
        yield b"a"
        await asyncio.sleep(0)
        raise error

    client = served(source)
    name, _, data = client.bodies[-1].decode().rpartition("\ndata: ")
    assert client.bodies[-1].endswith(b"\n\n") and client.over and name.endswith("event: error")
    told = json.loads(data)["error"]
    if isinstance(error, Failure):
        assert told["code"] == "engine_restarted" and told["type"] == "server_error"
    else:
        assert told["type"] == "server_error" and "KeyError" not in data
        assert "KeyError" in caplog.text  # for whoever runs the server


def test_a_client_that_leaves_closes_the_source_at_once() -> None:
    async def run() -> float:
        closed = asyncio.Event()

        async def source() -> AsyncGenerator[bytes, None]:
            try:
                yield b"a"
                await asyncio.sleep(60)
            finally:
                closed.set()

        client = Client()
        task = asyncio.create_task(EventStream(source())({}, client.receive, client.send))
        while not client.bodies:
            await asyncio.sleep(0)
        client.left.set()
        await asyncio.wait_for(task, 5)
        assert closed.is_set() and not client.over
        return 0.0

    asyncio.run(run())


def test_a_slow_client_holds_up_its_own_source_and_loses_nothing() -> None:
    ahead = 0

    async def run() -> Client:
        nonlocal ahead
        client, made = Client(pause=0.01), 0

        async def source() -> AsyncGenerator[bytes, None]:
            nonlocal made, ahead
            for _ in range(40):
                made += 1
                ahead = max(ahead, made - sum(map(len, client.bodies)) // len(piece))
                yield piece
                await asyncio.sleep(0)

        piece = b"x" * (sse.MOST // 4)
        await EventStream(source())({}, client.receive, client.send)
        assert sum(map(len, client.bodies)) == 40 * len(piece)
        return client

    asyncio.run(run())
    assert ahead <= 12  # what waits, what is being sent, and a piece or two


def test_a_client_that_takes_nothing_is_given_up() -> None:
    closed = False

    async def source() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.001)
        finally:
            closed = True

    client = Client(pause=3600)
    served(source, client, ping=0.02, slow=0.1)
    assert closed and not client.bodies


def test_an_event_is_one_line_whatever_it_says() -> None:
    piece = event({"text": "a\n\ndata: b\u2028\ud800"}, "delta")
    lines = piece.decode("ascii").split("\n")
    assert [line.partition(":")[0] for line in lines] == ["event", "data", "", ""]
    assert json.loads(lines[1].removeprefix("data: ")) == {"text": "a\n\ndata: b\u2028\ud800"}
