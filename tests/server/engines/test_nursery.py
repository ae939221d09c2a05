"""The process that makes hosts: what they write is logged; what becomes of calls without one."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from engine_place import at_work, call, kill, outcome, text, until

from genloom.server.engines.nursery import Nursery, follow


def test_what_an_engine_writes_is_logged(
    runner: asyncio.Runner, nursery: Nursery, writer: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer) as engines:
            await engines.load(writer)
            host = engines.residents[writer].hosts.current
            assert host is not None
            host._send({"do": "dance"})
            await until(lambda: "writer: " in caplog.text and "dance" in caplog.text)

    runner.run(main())


def test_lines_are_bounded_and_cannot_forge_others(
    runner: asyncio.Runner, caplog: pytest.LogCaptureFixture
) -> None:
    reading, writing = os.pipe()

    async def main() -> None:
        following = asyncio.create_task(follow(reading, "it"))
        written = b"red \x1b[31m\rfake\n" + b"x" * 20_000 + b"\nlast"
        await asyncio.to_thread(os.write, writing, written)
        os.close(writing)
        await following

    runner.run(main())
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == r"it: red \x1b[31m\rfake" and lines[-1] == "it: last"
    assert sum(line.count("x") for line in lines[1:]) >= 20_000
    assert max(map(len, lines)) <= 4096 + len("it: ")


def test_without_a_process_calls_are_told_so_until_there_is_one(
    runner: asyncio.Runner, writer: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        own = Nursery(home)
        async with at_work(own, writer) as engines:
            calls = [outcome(engines, call(writer, n)) for n in range(3)]
            assert await asyncio.gather(*calls) == ["<engine_unavailable>"] * 3
            assert engines.stats().models[0].state == "failed"
        await own.close()

    monkeypatch.setattr(sys, "executable", "/bin/false")
    runner.run(main())
    monkeypatch.undo()


def test_it_is_there_before_it_is_needed_may_die_and_is_gone_in_the_end(
    runner: asyncio.Runner, writer: str, home: Path
) -> None:
    async def main() -> None:
        own = Nursery(home)
        own.warm()
        await until(lambda: own.process is not None)
        first = own.process
        assert first is not None
        async with at_work(own, writer) as engines:
            wanted = await text(engines, call(writer))
            assert own.process is first and len(own.children) == 1
            first.kill()
            await until(lambda: own.process is None)
            with suppress(ProcessLookupError):
                kill(engines, writer)
            await until(lambda: engines.unready() != [])
            assert await text(engines, call(writer)) == wanted
            second = own.process
            assert second is not None and second is not first
        await own.close()
        assert own.process is None and second.returncode == 0
        assert not own.children and not own._tasks

    runner.run(main())
