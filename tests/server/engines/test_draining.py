"""The end of a server: nothing new, what was admitted is finished or told why it is not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from engine_place import at_work, call, kill, outcome, pid, text, until

from genloom.server.engines.nursery import Nursery
from genloom.server.failure import Failure


def drains(runner: asyncio.Runner, nursery: Nursery, writer: str, times: int) -> None:
    async def one(turn: int) -> None:
        async with at_work(nursery, writer, room=8) as engines:
            asked = [call(writer, n, 30 + 5 * n, owner=f"owner {n % 3}") for n in range(16)]
            tasks = [asyncio.create_task(text(engines, one)) for one in asked]
            await until(lambda: engines.stats().running > turn % 5)
            number = pid(engines, writer)
            draining = asyncio.create_task(engines.drain(60))
            await asyncio.sleep(0)
            with pytest.raises(Failure) as told:
                engines.run(call(writer))
            assert (told.value.status, told.value.code) == (503, "draining")
            assert engines.unready()
            made = await asyncio.gather(*tasks)
            assert all(made)  # every one that was admitted, queued or running
            await draining
            assert not os.path.exists(f"/proc/{number}")
            if turn == 0:
                wanted.extend(made)
            assert made == wanted

    wanted: list[str] = []
    for turn in range(times):
        runner.run(one(turn))


def test_three_drains_under_load_drop_nothing(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    drains(runner, nursery, writer, 3)


@pytest.mark.slow
def test_twenty_drains_under_load_drop_nothing(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    drains(runner, nursery, writer, 20)


def test_at_the_deadline_the_rest_ends_with_a_failure(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, room=2, alone=1.0) as engines:
            await text(engines, call(writer))
            tasks = [asyncio.create_task(outcome(engines, call(writer, n, 250))) for n in range(8)]
            await until(lambda: engines.stats().running == 2)
            await engines.drain(0.05)
            ends = await asyncio.gather(*tasks)
            assert ends.count("<server_shutdown>") >= 4
            assert all(one for one in ends)
            (told,) = engines.stats().models
            assert (told.queued, told.running) == (0, 0)

    runner.run(main())


def test_a_model_that_dies_while_it_drains_finishes_what_waits(
    runner: asyncio.Runner, nursery: Nursery, writer: str
) -> None:
    async def main() -> None:
        async with at_work(nursery, writer, room=1, alone=1.0) as engines:
            tasks = [asyncio.create_task(outcome(engines, call(writer, n, 60))) for n in range(3)]
            await until(lambda: engines.stats().running == 1)
            kill(engines, writer)
            await engines.drain(60)
            ends = await asyncio.gather(*tasks)
            assert all(one and (n == 0 or one[0] != "<") for n, one in enumerate(ends))

    runner.run(main())


PARENT = """
import asyncio, sys
from genloom import store
from genloom.server.engines.supervisor import Supervisor

async def main():
    store.set_home(sys.argv[2])
    engines = Supervisor((sys.argv[1],))
    await engines.load(sys.argv[1])
    host = engines.residents[sys.argv[1]].hosts.current
    print(host.born.pid, engines.nursery.process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_hosts_end_with_their_server_however_it_ends(
    runner: asyncio.Runner, writer: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PARENT, writer, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout:
        numbers = [int(one) for one in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(numbers) == 2

    def alive(number: int) -> bool:
        try:
            with open(f"/proc/{number}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    async def gone() -> None:
        await until(lambda: not any(map(alive, numbers)))

    runner.run(gone())
