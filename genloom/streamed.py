"""Items of one request in parts, so that millions are made at constant memory.

The parts together are what `exact` would make. Asks the codec how items are kept; knows no medium.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from genloom.engine.engine import Engine
from genloom.engine.keeping import Keeping, needs_keeping
from genloom.engine.sharing import needs_sharing
from genloom.errors import RequestError
from genloom.model import Model
from genloom.spec import Request

PART = 20_000  # items


def parts(model: Model, request: Request, size: int = PART) -> Iterator[Any]:
    """Collections of about `size` items each, one after the other. RequestError for what needs all
    items at once: shares that are mixed, and weights."""
    if needs_sharing(request):
        raise RequestError("balance, fair and weights are about all rows together: ask for fewer")
    with Engine(model) as engine:
        if needs_keeping(model.codec, request):
            yield from _kept(engine, Keeping(model.codec, request, size))
            return
        for first in range(0, request.count, size):
            count = min(size, request.count - first)
            yield engine.submit(replace(request, first=request.first + first, count=count)).result()


def _kept(engine: Engine, keeping: Keeping) -> Iterator[Any]:
    while not keeping.done:
        generation = engine.submit(keeping.next())
        generation.finish()
        keeping.take(generation)
        if keeping.waiting:
            yield keeping.drained()
