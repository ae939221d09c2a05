"""Figures of traces that are written by hand, and the search for the highest rate."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from genloom.errors import UsageError
from genloom.loadtest.drive import Trace
from genloom.loadtest.figures import doubts, figures, percentile, spread
from genloom.loadtest.load import Load
from genloom.loadtest.stream import Seen
from genloom.loadtest.sweep import Search, sweep


def seen(due: float, first: float, gap: float, tokens: int = 3, **more: Any) -> Seen:
    came = [due + first + n * gap for n in range(tokens)]
    return Seen(due=due, sent=due, came=came, ended=came[-1], counted=tokens, **more)


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, s) for s in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.99) == 7.0
    assert spread([3.0, 1.0, 2.0]) == {
        "p50": 2.0,
        "p95": 3.0,
        "p99": 3.0,
        "mean": 2.0,
        "samples": 3,
    }


def test_only_the_window_counts() -> None:
    trace = Trace(load=Load(rate=1, seconds=10), begin=100.0, end=110.0)
    trace.seen = [
        seen(99.0, 0.5, 1.0),  # before: its tokens at 100.5 and 101.5 count, it does not
        seen(105.0, 0.1, 0.05),
        seen(109.9, 0.05, 1.0),  # begins inside, ends outside: one token counts
    ]
    told = figures(trace)
    assert told["requests"] == 2
    assert told["output_tokens_per_second"] == pytest.approx((2 + 3 + 1) / 10)
    assert told["requests_per_second"] == pytest.approx(
        2 / 10
    )  # the first and the second end there
    assert told["ttft"]["samples"] == 2 and told["gap"]["samples"] == 4


def test_goodput_asks_for_both_targets_and_for_an_answer() -> None:
    trace = Trace(load=Load(rate=1, seconds=10, ttft=0.2, itl=0.1), begin=0.0, end=10.0)
    trace.seen = [
        seen(1.0, 0.2, 0.1),
        seen(2.0, 0.3, 0.1),  # too late
        seen(3.0, 0.1, 0.2),  # too slow
        seen(4.0, 0.1, 0.1, error="broken"),
        seen(5.0, 0.1, 0.0, tokens=1),  # no time between tokens
    ]
    told = figures(trace)
    assert told["goodput_share"] == pytest.approx(2 / 5)
    assert told["goodput_per_second"] == pytest.approx(0.2)
    assert told["errors"] == {"broken": 1} and told["answered"] == 4


def test_a_busy_driver_says_so() -> None:
    trace = Trace(load=Load(rate=1, seconds=10), begin=0.0, end=10.0, busy=0.95)
    trace.seen = [seen(1.0, 0.02, 0.1)]
    trace.late = [0.01] * 100
    told = doubts(figures(trace))
    assert [word in " ".join(told) for word in ("95%", "10.0 ms late", "1 samples")] == [True] * 3
    trace.seen, trace.late, trace.busy = [seen(1.0, 0.02, 0.1)] * 200, [0.0001] * 100, 0.1
    assert doubts(figures(trace)) == []


@pytest.mark.parametrize("capacity", [0.3, 3.7, 40.0])
def test_a_sweep_closes_in_on_the_capacity(capacity: float) -> None:
    tried = []

    async def run(load: Load) -> dict[str, Any]:
        assert load.rate is not None
        tried.append(load.rate)
        share = 1.0 if load.rate <= capacity else 0.5
        return {"rate": load.rate, "goodput_share": share, "goodput_per_second": share * load.rate}

    told = asyncio.run(sweep(run, Load(rate=1, seconds=5), Search(near=1.1, most=20)))
    assert told["rate"] <= capacity < told["above"] <= 1.1 * told["rate"]
    assert told["goodput_per_second"] == told["rate"]
    assert [r["rate"] for r in told["runs"]] == sorted(tried)
    assert len(tried) < 12


def test_a_sweep_ends_where_nothing_holds() -> None:
    async def run(load: Load) -> dict[str, Any]:
        return {"rate": load.rate, "goodput_share": 0.0, "goodput_per_second": 0.0}

    told = asyncio.run(sweep(run, Load(rate=8), Search(most=5)))
    assert told["rate"] is None and len(told["runs"]) == 5 and told["goodput_per_second"] == 0
    with pytest.raises(UsageError, match="concurrency"):
        asyncio.run(sweep(run, Load(concurrency=8), Search()))
