"""A soak: mixed media at 1.5 times what the server can do, clients that leave, break and die, one
model swapped and one engine killed. Every answer is checked; what is lost is told and counted.

SOAK_MINUTES says how long, 30 unless given; -m slow runs it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from programs import Held, Program, program
from soaking import Soak

from genloom.server.threads import MOST

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
TIMES = 1.5  # the capacity
FLAGS = (
    *("--max-waiting", "24", "--max-waiting-per-key", "24", "--idle-minutes", "0"),
    *("--max-connections", "8192", "--max-connections-per-address", "8192"),
)
REFUSALS = {"overloaded", "rate_limit_exceeded"}
GROWTH = 1 << 20  # bytes a minute, in the second half of a long soak
SLACK = 48 << 20  # bytes, of a short one


class Watching(threading.Thread):
    """What all processes hold, now and then, from outside."""

    def __init__(self, it: Program, every: float) -> None:
        super().__init__()
        self.it, self.every, self.over = it, every, threading.Event()
        self.seen: list[tuple[float, Held]] = []

    def run(self) -> None:
        while not self.over.wait(self.every):
            with suppress(OSError):
                self.seen.append((time.monotonic(), self.it.held()))


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line through points by least squares."""
    n = len(points)
    x, y = (sum(p[k] for p in points) / n for k in (0, 1))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


@pytest.mark.slow
@pytest.mark.timeout(60 * MINUTES + 900)
def test_a_soak(home: Path, models: tuple[str, ...], tmp_path: Path) -> None:
    with program(home, tmp_path, *models, *FLAGS) as it:
        it.warm(models)
        soak, watching = Soak(it.url), Watching(it, 5 if MINUTES > 5 else 1)
        seconds = 60 * MINUTES
        before, dead = asyncio.run(soaked(it, soak, watching, seconds))
        it.settle()
        tally, after = soak.tally, it.held()

        # zero wrong answers
        assert tally.wrong == []
        assert set(tally.right) == {name for name, _ in soak.known}, tally.right

        # errors observed = errors expected
        assert set(tally.errors) <= REFUSALS | {"engine_restarted", "records_busy"}, tally.errors
        assert tally.errors["records_busy"] <= it.of("genloom_records_busy_total")
        assert set(tally.broken) <= {400, 503} and tally.broken[400]
        gone = tally.cancelled + tally.crashed
        refused = sum(tally.errors[name] for name in REFUSALS) + tally.broken[503]
        shed = it.of("genloom_requests_shed_total")  # at the door, before a body is looked at
        assert tally.broken[503] <= shed
        counted = it.of("genloom_model_refused_total") + shed
        assert refused <= counted <= refused + gone
        told = it.of("genloom_model_outcomes_total", outcome="engine_restarted")
        assert tally.errors["engine_restarted"] <= told <= tally.errors["engine_restarted"] + gone
        assert all(dead <= moment < dead + 60 for moment in tally.restarted)
        assert it.of("genloom_model_restarts_total") == it.of("genloom_model_swaps_total") == 1
        assert it.of("genloom_requests_total", status="500") == 0
        assert "Traceback" not in it.log.read_text()
        assert refused > 0, "it was never crowded"

        # bounded, and nothing left
        half = watching.seen[len(watching.seen) // 2 :]
        grown = slope([(moment, held.memory) for moment, held in half]) * 60
        spent = (half[-1][0] - half[0][0]) / 60
        assert grown * spent < max(SLACK, GROWTH * spent), f"{grown:,.0f} bytes a minute"
        assert after.processes <= before.processes, (before, after)
        assert after.files <= before.files + 8 and after.threads <= before.threads + MOST
        assert it.of("genloom_requests_active") == 1  # this question
        print(f"\n{tally.asked:,} asked, right: {dict(tally.right)}, errors: {dict(tally.errors)}")


async def soaked(it: Program, soak: Soak, watching: Watching, seconds: float) -> tuple[Held, float]:
    """What was held before the load, and when the engine was killed."""
    await soak.learn()
    rate = TIMES * await soak.capacity(min(30.0, seconds / 4))
    await asyncio.to_thread(it.settle)
    before = await asyncio.to_thread(it.held)
    watching.start()
    load = asyncio.create_task(soak.load(rate, seconds))
    try:
        await asyncio.wait([load], timeout=0.4 * seconds)
        swap = await asyncio.to_thread(it.ask, "POST", "/v1/admin/models/swap", {"model": "novel"})
        assert swap.status == 200, swap.body
        await asyncio.wait([load], timeout=0.3 * seconds)
        dead = time.monotonic()
        os.kill(it.engine("novel"), signal.SIGKILL)
        await load
    finally:
        watching.over.set()
        await asyncio.to_thread(watching.join)
        soak.client.close()
    return before, dead
