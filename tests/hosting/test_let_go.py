"""What a request held is free once it is done, without the collector's help: a host that waits for
it holds the tensors of thousands of requests that nobody asks after."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

import pytest
from parent import Parent

from genloom.engine.generation import Generation
from genloom.hosting.task import Task

SAY = [{"role": "user", "content": "say a"}]
LINES = {"max_tokens": 12, "ignore_eos": True}
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "text": ("texts", "complete", {"prompt": "the cat", "count": 2, "options": LINES}),
    "beams": ("texts", "complete", {"prompt": "the", "options": {"beams": 2, "max_tokens": 4}}),
    "vectors": ("texts", "embed", {"texts": ["the cat"]}),
    "answer": ("chats", "chat", {"messages": SAY, "options": {"max_tokens": 12}}),
    "pictures": ("pictures", "generate", {"count": 2, "previews": 1, "options": {"steps": 4}}),
    "rows": ("tables", "generate", {"count": 3}),
}


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _held() -> list[str]:
    found = (Task, Generation)
    return [type(one).__name__ for one in gc.get_objects() if issubclass(type(one), found)]


@pytest.mark.parametrize("what", ASKED)
def test_a_finished_request_is_let_go(
    what: str, request: pytest.FixtureRequest, uncollected: None
) -> None:
    host, task, given = ASKED[what]
    parent: Parent = request.getfixturevalue(host)
    gc.collect()
    before = _held()
    for seed in range(3):
        parent.ask(task, seed=seed, **given) if task != "embed" else parent.ask(task, **given)
    until = time.monotonic() + 20
    while _held() != before and time.monotonic() < until:
        time.sleep(0.05)  # the host's last turn
    assert _held() == before
