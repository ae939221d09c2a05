"""The load driver against a server whose times are known: what it says is what was done."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from clockwork import Clockwork, running

from genloom.errors import UsageError
from genloom.loadtest.drive import NOT_SENT, Trace, drive, first, moments, offered
from genloom.loadtest.figures import doubts, figures
from genloom.loadtest.load import Load, Target
from genloom.loadtest.prompts import Words
from genloom.loadtest.stream import text_of


def run(clock: Clockwork, load: Load, **target: Any) -> Trace:
    async def go() -> Trace:
        async with running(clock) as url:
            asked = Target(**{"url": url, "model": "clock", "max_tokens": 8, **target})
            return await drive(asked, Words(), load)

    return asyncio.run(go())


def test_times_are_those_of_the_server() -> None:
    clock = Clockwork(wait=0.08, gap=0.02)
    told = figures(run(clock, Load(rate=20, seconds=1.5, warmup=0.3)))
    assert told["errors"] == {} and told["requests"] == told["answered"] > 10
    late = 3 * told["driver"]["loop_late"]["mean"] + 0.01  # a busy machine is no failure
    assert 0.08 <= told["ttft"]["p50"] < 0.08 + late
    assert 0.019 <= told["itl"]["p50"] < 0.02 + late
    assert 0.015 <= told["gap"]["p50"] < 0.02 + late
    assert told["gap"]["samples"] == 7 * told["answered"]
    assert 0.08 + 7 * 0.02 <= told["end_to_end"]["p50"] < 0.22 + 8 * late
    assert told["ttft"]["samples"] == told["answered"]
    assert told["goodput_share"] == 1


def test_a_driver_on_one_core_keeps_up_with_64_streams() -> None:
    """Up to 1,280 tokens a second, of which a busy machine may leave fewer."""
    trace = run(Clockwork(wait=0.05, gap=0.05), Load(concurrency=64, seconds=2, warmup=0.5))
    told = figures(trace)
    by_law = 64 * 8 / told["end_to_end"]["mean"]  # Little's
    assert told["output_tokens_per_second"] == pytest.approx(by_law, rel=0.15)
    assert told["driver"]["core_share"] < 0.5  # of which the clockwork itself is a part
    assert told["driver"]["loop_late"]["samples"] > 20


def test_poisson_arrivals_are_the_seeds_and_of_the_rate() -> None:
    load = Load(rate=50, seconds=100, seed=3)
    came = list(moments(load, 0.0, 100.0))
    assert came == list(moments(load, 0.0, 100.0)) != list(moments(Load(rate=50), 0.0, 100.0))
    gaps = [b - a for a, b in pairwise(came)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(1 / 50, rel=0.05)
    spread = (sum((g - mean) ** 2 for g in gaps) / len(gaps)) ** 0.5
    assert spread == pytest.approx(mean, rel=0.1)  # as an exponential has it; a metronome has 0


def test_an_open_loop_does_not_wait_for_the_server() -> None:
    """A server of one slot falls behind; arrivals go on, and their waiting is measured."""
    clock = Clockwork(wait=0.1, gap=0.0, slots=1)
    told = figures(run(clock, Load(rate=30, seconds=1, warmup=0, ttft=0.15)))
    assert told["requests"] > 15
    assert told["ttft"]["p95"] > 0.8
    assert told["goodput_share"] < 0.5
    assert told["goodput_per_second"] == told["goodput_share"] * told["requests"]


def test_a_closed_loop_holds_its_number() -> None:
    clock = Clockwork(wait=0.05, gap=0.0)
    trace = run(clock, Load(concurrency=3, seconds=0.8, warmup=0.1))
    assert clock.connections == 3  # kept and used again
    marks = sorted([(o.sent, 1) for o in trace.seen] + [(o.ended, -1) for o in trace.seen])
    opened = most = 0
    for _, step in marks:
        opened += step
        most = max(most, opened)
    assert most == 3


@pytest.mark.parametrize(
    ("clock", "error"),
    [
        (Clockwork(status=429), "429 full"),
        (Clockwork(ending="error"), "broken"),
        (Clockwork(ending="cut"), "cut off"),
        (Clockwork(ending="silent"), "ended without a word"),
        (Clockwork(wait=3.0), "timeout"),
    ],
    ids=["refused", "error event", "cut", "silent", "late"],
)
def test_each_way_to_fail_has_its_name(clock: Clockwork, error: str) -> None:
    told = figures(run(clock, Load(concurrency=2, seconds=0.3, warmup=0), timeout=0.6))
    assert set(told["errors"]) == {error}
    assert told["answered"] == 0 and told["goodput_per_second"] == 0
    assert told["ttft"] == {"p50": None, "p95": None, "p99": None, "mean": None, "samples": 0}


def test_nobody_there_is_an_error_and_no_traceback() -> None:
    async def go() -> Any:
        async with running(Clockwork()) as url:
            pass
        return await first(Target(url=url, model="m"), Words())

    assert asyncio.run(go()).error == "no connection (ConnectionRefusedError)"


def test_arrivals_past_the_most_open_are_counted() -> None:
    told = figures(run(Clockwork(wait=1.0), Load(rate=60, seconds=0.5, warmup=0, most=4)))
    assert told["answered"] == 4
    assert told["errors"] == {NOT_SENT: told["requests"] - 4}


def test_a_server_that_closes_every_connection_is_asked_all_the_same() -> None:
    clock = Clockwork(keeps=False, wait=0.01, gap=0.0)
    told = figures(run(clock, Load(concurrency=2, seconds=0.4, warmup=0)))
    assert told["errors"] == {}
    assert clock.connections == len(clock.asked) > 4


def test_tokens_are_the_servers_count_or_else_pieces() -> None:
    load = Load(concurrency=1, seconds=0.5, warmup=0)
    told = figures(run(Clockwork(wait=0.01, gap=0.02, two_in_one=True), load))
    assert told["tokens_counted_by"] == "server"
    assert told["output_tokens"] == 8 * told["answered"]
    assert told["itl"]["p50"] == pytest.approx(3 * 0.02 / 7, rel=0.3)  # 4 pieces, 8 tokens
    told = figures(run(Clockwork(wait=0.01, gap=0.0, usage=False), load))
    assert told["tokens_counted_by"] == "pieces"
    assert any("no usage" in doubt for doubt in doubts(told))


def test_what_is_asked_is_what_was_given() -> None:
    clock = Clockwork(wait=0.0, gap=0.0)
    load = Load(concurrency=1, seconds=0.2, warmup=0, seed=40)
    run(clock, load, endpoint="chat", key="secret", temperature=0.5, ignore_eos=True, max_tokens=3)
    body = clock.asked[0]
    assert body["messages"] == [{"role": "user", "content": Words()[0]}]
    assert (body["seed"], body["temperature"], body["max_tokens"]) == (40, 0.5, 3)
    assert body["ignore_eos"] is True and body["stream"] is True
    assert clock.asked[1]["seed"] == 41
    assert b"POST /v1/chat/completions HTTP/1.1" in clock.headers[0]
    assert b"\r\nAuthorization: Bearer secret\r\n" in clock.headers[0]


def test_the_models_of_a_server() -> None:
    async def go() -> list[str]:
        async with running(Clockwork()) as url:
            return await offered(Target(url=f"{url}/v1/", model=""))

    assert asyncio.run(go()) == ["clock"]


def test_prompts_are_the_seeds() -> None:
    words = Words(least=4, most=9, shared=3, seed=1)
    made = [words[n].split() for n in range(50)]
    assert made == [words[n].split() for n in range(50)]
    assert {len(m) for m in made} == set(range(4, 10))
    assert len({tuple(m[:3]) for m in made}) == 1 and len({tuple(m) for m in made}) == 50
    assert Words(seed=2)[0] != Words(seed=3)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Load(),
        lambda: Load(rate=1, concurrency=1),
        lambda: Load(rate=-1),
        lambda: Target(url="localhost:8000", model="m"),
        lambda: Target(url="http://h", model="m", max_tokens=0),
        lambda: Words(least=4, most=2),
        lambda: Words(least=4, most=4, shared=5),
    ],
)
def test_what_cannot_be_run_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError):
        wrong()


def test_what_a_piece_says_is_told_from_what_it_thinks() -> None:
    calls = [{"function": {"name": "f", "arguments": "{}"}}]
    assert text_of({"text": "a"}) == ("a", "") and text_of({"text": None}) == ("", "")
    assert text_of({"delta": {"content": "a", "reasoning_content": "b"}}) == ("a", "b")
    assert text_of({"delta": {"reasoning": "b", "tool_calls": calls}}) == ("f{}", "b")
    assert text_of({"delta": {"role": "assistant", "content": ""}}) == ("", "")
