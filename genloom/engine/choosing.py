"""The best of several tries: more are drawn than were asked for, and of each item's the one is kept
that strays least from what its codec can tell to be wanted.

Which tries an item has depends on its own number alone. Knows the engine and a codec with `strays`;
not what an item is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from genloom.engine.engine import Engine
from genloom.engine.requests import refuse
from genloom.model import Model
from genloom.spec import Request


class Choosing:
    """Draws all tries of a request at once. Submit `next()`, hand its generation to `take` when it
    is complete. RequestError for a model that makes nothing to choose among."""

    whole: ClassVar[bool] = False  # items are items, not one collection

    def __init__(self, model: Model, request: Request) -> None:
        refuse(model, request)
        self.codec: Any = model.codec
        self.request = request
        self.tries = tries_of(model, request)
        self._kept: list[Any] | None = None

    @property
    def done(self) -> bool:
        return self._kept is not None

    def next(self) -> Request:
        """The request of all tries: item n has those from n * tries on."""
        asked = self.request
        return replace(
            asked,
            first=asked.first * self.tries,
            count=asked.count * self.tries,
            options=replace(asked.options, tries=None),
        )

    def take(self, generation: Any) -> None:
        """Choose among these, the first of equals. Any thread may do it."""
        items = list(generation.items())
        strays = self.codec.strays(items, self.request)
        starts = range(0, len(items), self.tries)
        best = [min(range(n, n + self.tries), key=lambda k: strays[k]) for n in starts]
        self._kept = [items[n] for n in best]

    def items(self) -> list[Any]:
        """One of its tries for each item."""
        return self._kept or []


def tries_of(model: Model, request: Request) -> int:
    """As many as are asked for, or as its codec usually draws."""
    return request.options.tries or getattr(model.codec, "usual_tries", 1)


def needs_choosing(model: Model, request: Request) -> bool:
    """Whether there are several tries of each item."""
    return tries_of(model, request) > 1


def chosen(engine: Engine, request: Request) -> list[Any]:
    """The request's items, with the engine for itself."""
    choosing = Choosing(engine.model, request)
    generation = engine.submit(choosing.next())
    generation.result()
    choosing.take(generation)
    return choosing.items()
