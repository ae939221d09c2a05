"""Work beside the loop: done elsewhere, handed over here, bounded, each lane by itself."""

from __future__ import annotations

import select
import threading
from typing import Any

import pytest

from genloom.errors import ResourceError
from genloom.hosting.side import Side

PATIENCE = 60.0


def _collect(side: Side) -> None:
    assert select.select([side.wake], [], [], PATIENCE)[0], "nobody rang"
    side.quiet()
    side.collect()


def test_results_and_errors_come_back_on_the_callers_thread() -> None:
    side, heard = Side(), []

    def then(result: Any, error: BaseException | None) -> None:
        heard.append((threading.current_thread(), result, error))

    def fails() -> None:
        raise ValueError("no")

    side.submit(threading.current_thread, then)
    side.submit(fails, then)
    while len(heard) < 2:
        _collect(side)
    assert all(thread is threading.current_thread() for thread, _, _ in heard)
    (worker,) = [result for _, result, error in heard if error is None]
    assert worker is not threading.current_thread()
    assert [str(error) for _, _, error in heard if error is not None] == ["no"]
    side.close()


def test_slow_work_holds_up_no_other_and_what_waits_is_bounded() -> None:
    side, go_on, heard = Side(threads=1, most=3), threading.Event(), []
    started = threading.Event()

    def slow() -> str:
        started.set()
        go_on.wait(PATIENCE)
        return "slow"

    side.submit(slow, lambda result, _: heard.append(result), slow=True)
    assert started.wait(PATIENCE)
    side.submit(lambda: "quick", lambda result, _: heard.append(result))
    while not heard:
        _collect(side)
    assert heard == ["quick"]
    for _ in range(3):
        side.submit(lambda: "more", lambda result, _: heard.append(result), slow=True)
    with pytest.raises(ResourceError, match="ask again later"):
        side.submit(lambda: "too much", lambda result, _: heard.append(result), slow=True)
    go_on.set()
    while len(heard) < 5:
        _collect(side)
    assert heard == ["quick", "slow", "more", "more", "more"]
    side.close()
