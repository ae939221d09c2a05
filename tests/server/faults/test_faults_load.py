"""Crowds, clients that leave or do not read, signals and dead engines, on a server as users run it.

After each: what was under way is done or told, its place is free, the same seed is the same text.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from http_client import Answer, ask, connected, everything, status_of
from PIL import Image
from programs import Program, program, texts, told

from genloom.loadtest.exchange import Client
from genloom.loadtest.stream import Seen, take

STREAMS = 32
LENGTH = 500  # tokens: longer than it takes to see that all have begun, also on a busy machine


def request(path: str, body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


LONG = {"model": "novel", "prompt": "the", "max_tokens": 900, "ignore_eos": True, "seed": 5}


def wanted(served: Program, tokens: int, seeds: range) -> dict[int, str]:
    """What these seeds are when nothing goes wrong."""
    target = served.target(tokens=tokens)
    seen = served.run(lambda client: texts(client, target, seeds))
    return {seed: told(one) for seed, one in zip(seeds, seen, strict=True)}


@pytest.mark.parametrize(
    "count", [60, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
def test_who_leaves_leaves_nothing_behind(served: Program, count: int) -> None:
    """In the middle of a stream, before its first piece, and while a whole answer is made."""
    stays = wanted(served, 60, range(3))
    served.settle()
    before, left = served.held(), served.of("genloom_model_outcomes_total", outcome="left")
    for start in range(0, count, 20):
        links = [connected(served.url) for _ in range(start, min(count, start + 20))]
        for n, link in enumerate(links):
            link.sendall(request("/v1/completions", {**LONG, "seed": n, "stream": n % 3 != 1}))
        for n, link in enumerate(links):
            if n % 3 == 0:
                assert link.recv(64)
        for link in links:
            link.close()
    begun = time.monotonic()
    served.settle(120)
    assert time.monotonic() - begun < 60
    gone = served.of("genloom_model_outcomes_total", outcome="left") - left
    assert gone > 0.9 * count, gone
    after = served.held()
    assert after.processes == before.processes and after.files <= before.files + 4
    assert wanted(served, 60, range(3)) == stays
    log = served.log.read_text()
    assert log.count(" status=499 ") >= gone


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_client_that_hardly_reads_is_left_at_its_limit(served: Program) -> None:
    """It takes a byte a second of many megabytes. What waits for it is bounded, it is left in the
    end, and its mates are not held up."""
    stays = wanted(served, 100, range(4))
    before = served.held().memory
    body = {**LONG, "n": 64, "stream": True, "logprobs": 20}
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with link:
        port = int(served.url.rpartition(":")[2])
        link.connect(("127.0.0.1", port))
        link.sendall(request("/v1/completions", body))
        most, until = 0, time.monotonic() + 180
        while served.of("genloom_model_running") or time.monotonic() < until - 170:
            link.recv(1)
            most = max(most, served.held().memory - before)
            assert time.monotonic() < until, "it was never left"
            time.sleep(1)
            if int(until - time.monotonic()) % 20 == 0:
                assert wanted(served, 100, range(4)) == stays
    assert most < 256 << 20, most
    assert served.of("genloom_model_outcomes_total", outcome="slow_client") > 0
    served.settle()
    assert wanted(served, 100, range(4)) == stays


def test_a_full_queue_refuses_and_what_is_admitted_ends_well(
    home: Path, models: tuple[str, ...], tmp_path: Path
) -> None:
    with program(home, tmp_path, "novel", "--max-waiting", "8", "--max-waiting-per-key", "8") as it:
        it.warm(["novel"])
        stays = wanted(it, 30, range(8))

        async def crowd(client: Client) -> list[Seen]:
            return await texts(client, it.target(tokens=30), range(140))

        seen = it.run(crowd)
        errors = Counter(one.error for one in seen)
        assert set(errors) <= {None, "503 overloaded", "429 rate_limit_exceeded"}, errors
        assert errors[None] >= 8 and errors[None] < 140, errors
        for seed, one in enumerate(seen[:8]):
            assert one.error is not None or told(one) == stays[seed]
        it.settle()
        refused = it.of("genloom_model_refused_total") + it.of("genloom_requests_shed_total")
        assert refused == 140 - errors[None]

        async def fill(client: Client) -> Any:
            crowd = asyncio.create_task(texts(client, it.target(tokens=80), range(120)))
            await asyncio.sleep(0.5)
            answer = await asyncio.to_thread(
                ask, it.url, "POST", "/v1/completions", {**LONG, "max_tokens": 2}
            )
            await crowd
            return answer

        answer = it.run(fill)
        if answer.status != 200:  # it came while the queue was full
            assert answer.status in (429, 503) and int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_sigterm_drops_nothing_that_was_admitted(
    home: Path, models: tuple[str, ...], tmp_path: Path, rounds: int
) -> None:
    """Streams, whole answers and pictures under way are finished to the letter; new work is refused
    and /ready says so; the exit code is 0 and nothing is left."""
    for number in range(rounds):
        place = tmp_path / str(number)
        place.mkdir()
        with program(home, place, *models, "--drain-seconds", "90") as it:
            it.warm(["novel", "sprites"])
            stays = wanted(it, LENGTH, range(4))
            pids = it.tree()
            it.run(lambda client, it=it, stays=stays: drained(client, it, stays))
            assert it.ended() == 0
        assert not [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists()]


async def drained(client: Client, it: Program, stays: dict[int, str]) -> None:
    streams = asyncio.create_task(texts(client, it.target(tokens=LENGTH), [*range(4)] * 4))
    picture = {"model": "sprites", "prompt": "red", "n": 2, "seed": 1}
    whole = {**LONG, "max_tokens": LENGTH, "seed": 1, "temperature": 1.0}
    posts = [("/v1/images/generations", picture), ("/v1/completions", whole)]
    asking = [asyncio.to_thread(ask, it.url, "POST", *post) for post in posts]
    answers = asyncio.gather(*asking)
    while it_runs(it) < 16:  # the picture may be done before the last text begins
        assert not streams.done(), "they ended before the signal"
        await asyncio.sleep(0.01)
    it.process.send_signal(signal.SIGTERM)
    posts = [("GET", "/ready", None), ("POST", "/v1/completions", whole)]
    late = [await asyncio.to_thread(ask, it.url, *post) for post in posts]
    assert [one.status for one in late] == [503, 503], [one.body for one in late]
    assert late[1].code == "draining"
    for number, one in enumerate(await streams):
        assert told(one) == stays[number % 4] and one.finish == "length"
    image, text = await answers
    assert image.status == text.status == 200
    assert text.json["choices"][0]["text"] == stays[1]


def pixels(answer: Answer) -> list[bytes]:
    """Of the pictures in an answer; their records say when they were made."""
    assert answer.status == 200, answer.body
    found = (base64.b64decode(one["b64_json"]) for one in answer.json["data"])
    return [Image.open(io.BytesIO(one)).tobytes() for one in found]


def it_runs(it: Program) -> float:
    return it.of("genloom_model_running")


def test_an_engine_killed_under_32_streams(served: Program) -> None:
    """Each stream ends as it should, or with a typed event; never silently, never with another
    text. The engine is back, not ready meanwhile, and other models never noticed."""
    stays = wanted(served, 200, range(STREAMS))
    picture = {"model": "sprites", "prompt": "red", "seed": 1, "response_format": "b64_json"}
    shown = pixels(served.ask("POST", "/v1/images/generations", picture))
    before = served.engine("novel")
    readiness: list[int] = []

    async def murder(client: Client) -> tuple[list[Seen], Any]:
        streams = asyncio.create_task(texts(client, served.target(tokens=200), range(STREAMS)))
        while it_runs(served) < STREAMS // 2:  # the first may end before the last begins
            assert not streams.done()
            await asyncio.sleep(0.01)
        os.kill(before, signal.SIGKILL)
        mate = asyncio.to_thread(served.ask, "POST", "/v1/images/generations", picture)
        readiness.append((await asyncio.to_thread(served.ready)).status)
        return await streams, await mate

    seen, mate = served.run(murder)
    ends = Counter(one.error for one in seen)
    assert set(ends) <= {None, "engine_restarted", "503 engine_restarted"}, ends
    assert ends[None] < STREAMS, "the kill came too late to be seen"
    for seed, one in enumerate(seen):
        said = "".join(one.text)
        assert said == stays[seed] if one.error is None else stays[seed].startswith(said)
    assert pixels(mate) == shown
    served.until(lambda: served.ready().status == 200)
    assert served.engine("novel") != before
    assert wanted(served, 200, range(STREAMS)) == stays
    served.settle()


def test_the_board_asks_for_labels_that_there_are(served: Program) -> None:
    """deploy/grafana.json against a server that has worked."""
    served.complete(max_tokens=2)
    labels: dict[str, set[str]] = {}
    for name in served.numbers():
        kind, _, rest = name.partition("{")
        labels.setdefault(kind, set()).update(
            part.partition("=")[0].lstrip(",") for part in rest.split('"')[::2] if "=" in part
        )
    board = Path(__file__).parents[3] / "deploy" / "grafana.json"
    for panel in json.loads(board.read_text())["panels"]:
        for target in panel.get("targets", ()):
            for name, matched in re.findall(r"((?:genloom|process)_\w+)\{(.*?)\}", target["expr"]):
                if name in labels:
                    asked = set(re.findall(r"(\w+)=~", matched)) - {"job"}
                    by = re.search(r"by \((.*?)\)", target["expr"])
                    asked |= set(by[1].replace(" ", "").split(",")) if by else set()
                    assert asked <= labels[name] | {"instance"}, (name, asked, labels[name])


def test_half_open_connections_end(served: Program) -> None:
    """A client that closes its way out still gets its answer, and nothing is kept."""
    with connected(served.url) as link:
        data = request("/v1/completions", {"model": "words", "prompt": "a", "max_tokens": 3})
        link.sendall(data.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
        link.shutdown(socket.SHUT_WR)
        answer = everything(link)
    assert not answer or status_of(answer) == 200
    served.settle()


def test_a_single_stream_is_the_same_in_any_company(served: Program) -> None:
    """Alone, among forty, and after all that went before."""
    alone = wanted(served, 80, range(2))
    among = wanted(served, 80, range(40))
    assert {seed: among[seed] for seed in alone} == alone

    async def again(client: Client) -> Seen:
        return await take(client, served.target(tokens=80), "the", 1, time.perf_counter())

    assert told(served.run(again)) == alone[1]
