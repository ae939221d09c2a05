"""Calls that take turns: they pause, fail, end and are dropped without a thread left behind."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from genloom.weights.turns import NAME, Baton, Turns


def counting(seen: list[int], steps: int = 3):
    def work(baton: Baton) -> str:
        for number in range(steps):
            seen.append(number)
            baton.pause()
        return "made"

    return work


def until(met, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.01)
    return met()


def test_nothing_happens_before_the_first_step_and_one_turn_at_a_time():
    seen: list[int] = []
    turns = Turns(counting(seen))
    assert seen == []
    for number in range(3):
        assert not turns.step()
        assert seen == list(range(number + 1))
    assert turns.step() and turns.result == "made" and turns.step()


def test_several_calls_do_not_mix():
    seen: tuple[list[int], list[int]] = ([], [])
    both = [Turns(counting(one)) for one in seen]
    while not all([turns.step() for turns in both]):  # noqa: C419  (each is to take its step)
        assert len(seen[0]) == len(seen[1])
    assert seen[0] == seen[1] == [0, 1, 2]


def test_what_a_call_raises_is_raised_by_its_step_again_and_again():
    def work(baton: Baton) -> None:
        baton.pause()
        raise ValueError("no")

    turns = Turns(work)
    assert not turns.step()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            turns.step()


def test_a_call_that_is_dropped_unwinds_and_its_thread_ends():
    unwound: list[bool] = []

    def work(baton: Baton) -> None:
        try:
            while True:
                baton.pause()
        finally:
            unwound.append(True)

    before = set(threading.enumerate())
    turns = Turns(work)
    turns.step()
    (mine,) = (one for one in set(threading.enumerate()) - before if one.name == NAME)
    assert not unwound
    del turns
    gone = lambda: gc.collect() >= 0 and bool(unwound) and not mine.is_alive()  # noqa: E731
    assert until(gone)
