"""A mixed load whose every answer is known beforehand, and what a soak sees of it.

Knows requests and answers; the test knows what may go wrong, and when.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from genloom.loadtest.exchange import Broken, Client
from genloom.loadtest.load import Target
from genloom.loadtest.stream import Seen, name_of, take

SEEDS = 12  # of each kind
CROWD, EVERY = 150, 60.0  # streams that come at once, more than a model takes; seconds
CANCELLED, MALFORMED, CRASHED = 0.05, 0.05, 0.02


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is asked with a seed, and what of an answer must always be the same."""

    path: str
    body: Callable[[int], dict[str, Any]]
    same: Callable[[bytes], str]
    stream: bool = False


def _text(body: bytes) -> str:
    return str(json.loads(body)["choices"][0]["text"])


def _pixels(body: bytes) -> str:
    data = base64.b64decode(json.loads(body)["data"][0]["b64_json"])
    return hashlib.sha256(Image.open(io.BytesIO(data)).tobytes()).hexdigest()


def _vectors(body: bytes) -> str:
    return json.dumps([one["embedding"] for one in json.loads(body)["data"]])


def _novel(seed: int) -> dict[str, Any]:
    base = {"model": "novel", "prompt": "the", "temperature": 1.0, "ignore_eos": True}
    return {**base, "seed": seed, "max_tokens": 20 + 10 * (seed % 12)}


def _talk(seed: int) -> dict[str, Any]:
    talk = [{"role": "user", "content": f"say {'abc'[seed % 3]}"}]
    return {"model": "natter", "messages": talk, "seed": seed, "max_tokens": 24, "stream": True}


KINDS: dict[str, Kind] = {
    "completion, streamed": Kind(path="/v1/completions", body=_novel, same=str, stream=True),
    "completion": Kind(path="/v1/completions", body=_novel, same=_text),
    "chat, streamed": Kind(path="/v1/chat/completions", body=_talk, same=str, stream=True),
    "picture": Kind(
        path="/v1/images/generations",
        body=lambda seed: {"model": "sprites", "prompt": "red", "seed": seed},
        same=_pixels,
    ),
    "table": Kind(
        path="/v1/generate",
        body=lambda seed: {"model": "people", "count": 5 + seed, "seed": seed},
        same=lambda body: body.decode(),
    ),
    "embedding": Kind(
        path="/v1/embeddings",
        body=lambda seed: {"model": "words", "input": [f"text {seed}", "the cat"]},
        same=_vectors,
    ),
}
BROKEN = (  # each is a 400
    ("/v1/completions", b"{"),
    ("/v1/completions", b'{"model": "novel", "prompt": "a", "temperature": -1}'),
    ("/v1/chat/completions", b'{"model": "natter", "messages": []}'),
    ("/v1/images/generations", b'{"model": "sprites", "prompt": "red", "n": 0}'),
    ("/v1/embeddings", b'{"model": "words", "input": []}'),
    ("/v1/generate", b'{"model": "people", "count": -5}'),
)


@dataclass
class Tally:
    """right, wrong, errors: of requests that were asked in earnest, by kind; broken: how bodies
    that are none were answered; cancelled, crashed: clients that went."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    broken: Counter[int] = field(default_factory=Counter)
    cancelled: int = 0
    crashed: int = 0
    restarted: list[float] = field(default_factory=list)  # when streams told of a dead engine

    @property
    def asked(self) -> int:
        return sum(self.right.values()) + len(self.wrong) + sum(self.errors.values())


class Soak:
    """A client of one server. known: what each kind and seed is."""

    def __init__(self, url: str) -> None:
        self.url, self.client = url, Client(url)
        self.known: dict[tuple[str, int], str] = {}
        self.tally = Tally()

    async def learn(self) -> None:
        """Every answer, one at a time, of a server that is at rest."""
        for name in KINDS:
            for seed in range(SEEDS):
                said, error = await self.one(name, seed)
                assert error is None, f"{name} {seed}: {error}"
                self.known[name, seed] = said

    async def one(self, name: str, seed: int) -> tuple[str, str | None]:
        """What must be the same of an answer, or its error."""
        kind = KINDS[name]
        if kind.stream:
            seen = await self._stream(kind, seed)
            return f"{''.join(seen.thought)}\0{''.join(seen.text)}", seen.error
        body, held = json.dumps(kind.body(seed)).encode(), bytearray()
        try:
            async with asyncio.timeout(120):
                status = await self.client.ask(
                    "POST", kind.path, body, heard=lambda data, now: held.extend(data)
                )
        except (Broken, OSError, TimeoutError) as error:
            return "", type(error).__name__
        if status != 200:
            return "", f"{status} {name_of(json.loads(held))}"
        return kind.same(bytes(held)), None

    async def _stream(self, kind: Kind, seed: int) -> Seen:
        body = kind.body(seed)
        chats = kind.path.startswith("/v1/chat")
        target = Target(
            url=self.url,
            model=body["model"],
            endpoint="chat" if chats else "completions",
            max_tokens=body["max_tokens"],
            temperature=body.get("temperature", 1.0),
            ignore_eos=body.get("ignore_eos", False),
            extra={"messages": body["messages"]} if chats else {},
            timeout=120,
        )
        prompt = body["messages"][0]["content"] if chats else body["prompt"]
        return await take(self.client, target, prompt, seed, time.perf_counter())

    async def act(self, number: int) -> None:
        """The request of that number: its kind, its seed and its fate are drawn from the number."""
        rng = random.Random(number)
        name, seed, fate = rng.choice(list(KINDS)), rng.randrange(SEEDS), rng.random()
        if fate < CANCELLED:
            await self._cancel(name, seed, rng.random())
        elif fate < CANCELLED + MALFORMED:
            await self._break(*rng.choice(BROKEN))
        elif fate < CANCELLED + MALFORMED + CRASHED:
            await self._crash(name, seed)
        else:
            await self._ask(name, seed)

    async def _ask(self, name: str, seed: int) -> None:
        said, error = await self.one(name, seed)
        known = self.known[name, seed]
        if error is None:
            self.tally.right[name] += said == known
            if said != known:
                self.tally.wrong.append(f"{name} {seed}: {said[:80]!r} is not {known[:80]!r}")
            return
        self.tally.errors[error.removeprefix("503 ").removeprefix("429 ")] += 1
        if "engine_restarted" in error:
            self.tally.restarted.append(time.monotonic())
        parts = zip(said.split("\0"), known.split("\0"), strict=False)
        if not all(whole.startswith(part) for part, whole in parts):  # what came was right
            self.tally.wrong.append(f"{name} {seed}, cut: {said[:80]!r}")

    async def _cancel(self, name: str, seed: int, part: float) -> None:
        """Leaves in the middle."""
        self.tally.cancelled += 1
        task = asyncio.create_task(self.one(name, seed))
        await asyncio.wait([task], timeout=0.3 * part)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _break(self, path: str, body: bytes) -> None:
        self.tally.broken[await self.client.ask("POST", path, body)] += 1

    async def _crash(self, name: str, seed: int) -> None:
        """A client that dies: half a body, then a reset."""
        self.tally.crashed += 1
        place = urlsplit(self.url)
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        body = json.dumps(KINDS[name].body(seed)).encode()
        head = f"POST {KINDS[name].path} HTTP/1.1\r\nhost: localhost\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + (body if seed % 2 else body[: len(body) // 2]))
        await writer.drain()
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 seconds: close is a reset
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    # --- load -------------------------------------------------------------------------------------

    async def capacity(self, seconds: float, at_once: int = 16) -> float:
        """Requests a second that this mix can have, in earnest alone."""
        done, until = 0, time.monotonic() + seconds

        async def ask_again(rng: random.Random) -> None:
            nonlocal done
            while time.monotonic() < until:
                await self.one(rng.choice(list(KINDS)), rng.randrange(SEEDS))
                done += 1

        await asyncio.gather(*(ask_again(random.Random(n)) for n in range(at_once)))
        return done / seconds

    async def load(self, rate: float, seconds: float) -> None:
        """Poisson arrivals, whatever becomes of those before them, and crowds; all are awaited."""
        rng, number = random.Random(0), 0
        begin = time.monotonic()
        due, crowd = begin, begin + 5
        async with asyncio.TaskGroup() as group:
            while (due := due + rng.expovariate(rate)) < begin + seconds:
                await asyncio.sleep(due - time.monotonic())
                group.create_task(self.act(number))
                number += 1
                if due > crowd:
                    crowd += EVERY
                    for n in range(CROWD):
                        group.create_task(self._ask("completion, streamed", n % SEEDS))
