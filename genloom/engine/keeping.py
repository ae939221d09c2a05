"""Rows that meet conditions of any kind: candidates are drawn and kept, a request after the other.

What is kept follows the model's conditional distribution exactly, and is the same rows however many
candidates are drawn at once. Knows the engine and a codec with `matches`; no column.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from genloom.engine.engine import Engine
from genloom.errors import RequestError
from genloom.family.noise import keys, uniform
from genloom.spec import Request

MOST_DRAWN = 500_000  # candidates for one request with conditions
KEEPING = 1 << 40  # the draw that decides whether a candidate is kept


class Keeping:
    """Draws until the request's count is kept. Submit `next()`, hand its generation to `take` when
    it is complete, until `done`. together: candidates of one such request at most."""

    whole: ClassVar[bool] = True  # what is kept is one collection

    def __init__(self, codec: Any, request: Request, together: int = MOST_DRAWN) -> None:
        self.codec, self.request, self.together = codec, request, together
        self.missing, self.drawn = request.count, 0
        self._first = request.first
        self._kept: list[Tensor] = []

    @property
    def done(self) -> bool:
        return self.missing <= 0

    @property
    def kept(self) -> int:
        return self.request.count - self.missing

    def next(self) -> Request:
        """The next candidates. RequestError where too few of all that may be drawn were kept."""
        rate = max(1e-4, self.kept / self.drawn) if self.drawn else 1.0
        wanted = max(64, round(1.1 * self.missing / rate)) if self.drawn else self.missing
        asked = min(MOST_DRAWN - self.drawn, self.together, wanted)
        if asked <= 0:
            raise RequestError(
                f"only {self.kept} of {self.request.count} rows met the conditions in "
                f"{self.drawn} draws: loosen them"
            )
        return replace(self.request, first=self._first, count=asked)

    def take(self, generation: Any) -> None:
        """Keep of these candidates what is to be kept. Any thread may do it."""
        request, codec = self.request, self.codec
        rows, chance = generation.tensors(), generation.keep_chance()
        asked = generation.request.count
        index = torch.arange(self._first, self._first + asked)
        good = uniform(keys(request.seed, index), KEEPING)[:, 0] < chance
        good &= torch.as_tensor(codec.matches(codec.decode(rows), request.where, request.prompt))
        self._kept.append(rows[good][: self.missing])
        self.missing -= len(self._kept[-1])
        self._first, self.drawn = self._first + asked, self.drawn + asked

    def items(self) -> Any:
        """What was kept, in the medium's own collection."""
        request, codec = self.request, self.codec
        rows = torch.cat(self._kept)
        return codec.settle(codec.decode(rows), request.where, request.prompt)


def needs_keeping(codec: Any, request: Request) -> bool:
    """Whether conditions may say more than ids can."""
    return bool(codec.conditional and (request.where or request.prompt))


def kept(engine: Engine, request: Request) -> Any:
    """The request's items, with the engine for itself."""
    keeping = Keeping(engine.model.codec, request)
    while not keeping.done:
        generation = engine.submit(keeping.next())
        generation.result()
        keeping.take(generation)
    return keeping.items()
