"""Blocking work beside the loop: its result, its error, and its end before its request's."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from fastapi.routing import APIRoute

from genloom.server.app import ROUTES
from genloom.server.layers.audit import ASKING
from genloom.server.threads import MOST, at_the_door, in_thread


def test_results_errors_and_context_come_through() -> None:
    word: contextvars.ContextVar[str] = contextvars.ContextVar("word")

    def fail() -> None:
        raise ValueError("told")

    async def ask() -> None:
        word.set("here")
        assert await in_thread(word.get) == "here"
        assert await in_thread(int, "12", base=8) == 10
        assert await in_thread(threading.get_ident) != threading.get_ident()
        with pytest.raises(ValueError, match="told"):
            await in_thread(fail)

    asyncio.run(ask())


@pytest.mark.parametrize("how", ["task", "scope"])
def test_a_cancelled_request_waits_for_the_call(how: str) -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.3)
        ended.set()

    async def cancelled_task() -> None:
        task = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def cancelled_scope() -> None:
        with anyio.move_on_after(0.05) as scope:
            await in_thread(work)
        assert scope.cancelled_caught

    asyncio.run(cancelled_task() if how == "task" else cancelled_scope())
    assert ended.is_set()


def test_few_threads_work_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    async def ask() -> None:
        await asyncio.gather(*(in_thread(work) for _ in range(4 * MOST)))

    asyncio.run(ask())
    assert 1 < most <= MOST


def test_no_route_that_asks_a_model_waits_for_a_thread_to_learn_who_asks() -> None:
    """The framework runs whatever is not asynchronous in a few threads of its own: under load,
    requests of all kinds would stand in line for them."""
    routes = [route for router in ROUTES for route in router.routes]
    asking = [route for route in routes if isinstance(route, APIRoute) and route.path in ASKING]
    assert len(asking) >= 10
    for route in asking:
        for one in within(route.dependant):
            assert inspect.iscoroutinefunction(one.call), (route.path, one.call)


def within(dependant: Any) -> Iterator[Any]:
    yield dependant
    for one in dependant.dependencies:
        yield from within(one)


def test_who_comes_in_does_not_wait_for_what_those_inside_write() -> None:
    over = threading.Event()

    async def main() -> None:
        inside = [asyncio.create_task(in_thread(over.wait, 20)) for _ in range(3 * MOST)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await at_the_door(int, "7") == 7
        assert time.monotonic() - began < 10 and not any(one.done() for one in inside)
        over.set()
        await asyncio.gather(*inside)

    asyncio.run(main())
