"""`genloom bench serve` against a server of known times: tables, JSON, and one line of error."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Shell, one_error

sys.path.insert(0, str(Path(__file__).parents[1] / "loadtest"))
from clockwork import Clockwork, running

QUICK = ("--seconds", "0.5", "--warmup", "0", "--max-tokens", "4")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server on a thread of its own; 8 answers at once, 40 ms each."""
    started, over, found = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with running(Clockwork(wait=0.01, gap=0.01, slots=8)) as url:
            found.append(url)
            started.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    yield found[0]
    over.set()
    thread.join()


def test_a_table_for_people(shell: Shell, address: str) -> None:
    ran = shell("bench", "serve", address, "--rate", "30", *QUICK)
    assert ran.code == 0, ran.err
    for word in ("time to first token", "goodput a second", "driver: loop late", "clock at http"):
        assert word in ran.out
    assert "errors" in ran.out and "none" in ran.out


def test_json_for_programs(shell: Shell, address: str) -> None:
    ran = shell("bench", "serve", address, "--concurrency", "2", *QUICK, "--json", "--quiet")
    told = json.loads(ran.out)
    assert ran.err == "" and told["model"] == "clock" and told["concurrency"] == 2
    assert told["answered"] == told["requests"] > 2
    assert told["output_tokens"] == 4 * told["answered"]


def test_a_sweep_names_a_rate(shell: Shell, address: str) -> None:
    """8 at once of 40 ms are 200 a second at most; a target of 50 ms for the first token."""
    flags = ("--sweep", "--rate", "40", "--ttft", "0.05", "--itl", "1", "--quiet")
    ran = shell("bench", "serve", address, *flags, *QUICK, "--json")
    told = json.loads(ran.out)
    assert [run["rate"] for run in told["runs"]] == sorted(run["rate"] for run in told["runs"])
    assert told["above"] is None or told["above"] <= 1000
    assert any(run["keeps"] for run in told["runs"]) == (told["rate"] is not None)


def test_what_cannot_be_is_one_line(shell: Shell, address: str) -> None:
    one_error(shell("bench", "serve", address, "--words", "many"), "--words", "16-64")
    one_error(
        shell("bench", "serve", address, "--rate", "1", "--concurrency", "2"), "one of the two"
    )
    one_error(shell("bench", "serve", "http://127.0.0.1:9"), "--model")
    one_error(shell("bench", "serve", "http://127.0.0.1:9", "--model", "m"), "did not answer")
    one_error(shell("bench", "serve", address, "--prompts", "/nowhere"), "UTF-8")
