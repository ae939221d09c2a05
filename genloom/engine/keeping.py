"""Rows that meet conditions of any kind: candidates are drawn and kept, a request after the other.

What is kept follows the model's conditional distribution exactly, and is the same rows however many
candidates are drawn at once. Knows the engine and a codec with `matches`; no column.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from genloom.engine.engine import Engine
from genloom.errors import RequestError
from genloom.family.noise import keys, uniform
from genloom.spec import Request

MOST_DRAWN = 500_000  # candidates for one request with conditions
DOUBTFUL = 20_000  # candidates at once while none is kept
HOPELESS = 50_000  # of them in a row of which none is kept: no more are drawn
KEEPING = 1 << 40  # the draw that decides whether a candidate is kept


class Keeping:
    """Draws until the request's count is kept. Submit `next()`, hand its generation to `take` when
    it is complete, until `done`. together: candidates of one such request at most."""

    whole: ClassVar[bool] = True  # what is kept is one collection

    def __init__(
        self,
        codec: Any,
        request: Request,
        together: int = MOST_DRAWN,
        seen: dict[str, np.ndarray] | None = None,
    ) -> None:
        self.codec, self.request, self.together = codec, request, together
        self.missing, self.drawn, self.vain = request.count, 0, 0
        self._first = request.first
        self._kept: list[Tensor] = []
        self._seen: dict[str, np.ndarray] = {} if seen is None else seen
        self._rates = np.zeros(3)
        self._nearest = (float("inf"), "")
        self._twice: Counter[str] = Counter()

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
        most = self.together if self.kept or not self.drawn else min(self.together, DOUBTFUL)
        asked = min(MOST_DRAWN - self.drawn, most, wanted)
        if not self.drawn:
            self._check_room()
        if asked <= 0 or self.vain >= HOPELESS:
            raise RequestError(self._too_few())
        return replace(self.request, first=self._first, count=asked)

    def take(self, generation: Any) -> None:
        """Keep of these candidates what is to be kept. Any thread may do it."""
        request, codec = self.request, self.codec
        rows, made, chance = self.weigh(generation)
        asked = generation.request.count
        index = torch.arange(self._first, self._first + asked)
        good = uniform(keys(request.seed, index), KEEPING)[:, 0] < chance
        if not self.kept and not bool(good.any()) and hasattr(codec, "nearest"):
            found = codec.nearest(made, request.where, request.prompt)
            self._nearest = min(self._nearest, found, key=lambda one: one[0])
        if getattr(codec, "exacting", False):
            good &= torch.as_tensor(self._fresh(codec.alike(made), good.numpy()))
        self._kept.append(rows[good][: self.missing])
        self.vain = 0 if len(self._kept[-1]) else self.vain + asked
        self.missing -= len(self._kept[-1])
        self._first, self.drawn = self._first + asked, self.drawn + asked

    def weigh(self, generation: Any) -> tuple[Tensor, Any, Tensor]:
        """(ids, items, with what chance each is to be kept) of candidates, which are counted."""
        rows, chance = generation.tensors(), generation.keep_chance()
        made = self.codec.decode(rows)
        met = torch.as_tensor(self.codec.matches(made, self.request.where, self.request.prompt))
        chance = torch.where(met, chance, 0.0)
        x = chance.double()
        self._rates += [len(x), float(x.sum()), float(x.square().sum())]
        return rows, made, chance

    @property
    def rate(self) -> tuple[float, float]:
        """The chance with which a candidate is kept, and its standard error."""
        count, total, squares = self._rates
        mean = total / max(1.0, count)
        spread = max(0.0, squares / max(1.0, count) - mean**2)
        return float(mean), float((spread / max(1.0, count)) ** 0.5)

    def _check_room(self) -> None:
        """RequestError where more items that differ are asked for than there are."""
        if not getattr(self.codec, "exacting", False):
            return
        for name, room in self.codec.rooms.items():
            if self.request.count > room:
                raise RequestError(
                    f"{self.request.count:,} rows are asked for, and {room:,} can differ ({name}): "
                    "ask for fewer"
                )

    def _fresh(
        self, alike: dict[str, tuple[np.ndarray, np.ndarray]], good: np.ndarray
    ) -> np.ndarray:
        """bool [N], which of the good candidates are like none that is kept, and the first of their
        like here."""
        fresh = good.copy()
        for name, (codes, counts) in alike.items():
            seen = self._seen.get(name, codes[:0])
            taken = fresh & counts
            again = taken & np.isin(codes, seen)
            some = np.flatnonzero(taken & ~again)
            firsts = some[np.unique(codes[some], return_index=True)[1]]
            later = np.zeros(len(codes), bool)
            later[some] = True
            later[firsts] = False
            self._twice[name] += int((again | later).sum())
            fresh &= ~(again | later)
        wanted = np.flatnonzero(fresh)[: self.missing]
        for name, (codes, counts) in alike.items():
            mine = codes[wanted][counts[wanted]]
            self._seen[name] = np.concatenate((self._seen.get(name, mine[:0]), mine))
        return fresh

    def _too_few(self) -> str:
        worst = self._twice.most_common(1)
        if worst and worst[0][1] > self.drawn // 2:
            return (
                f"only {self.kept:,} of {self.request.count:,} rows that differ were found in "
                f"{self.drawn:,} draws ({worst[0][0]}): ask for fewer rows"
            )
        if not self.request.where and not self.request.prompt:
            kept = "; ".join(getattr(self.codec, "promises", [])) or "what its model keeps to"
            return (
                f"only {self.kept:,} of {self.request.count:,} rows in {self.drawn:,} draws met "
                f"what all that is made has to meet ({kept}): ask for fewer rows"
            )
        near = f"; the nearest was {self._nearest[1]}" if not self.kept and self._nearest[1] else ""
        return (
            f"only {self.kept:,} of {self.request.count:,} rows met the conditions in "
            f"{self.drawn:,} draws: loosen them{near}"
        )

    def rows(self) -> Any:
        """What was kept, before it has numbers of its own."""
        request, codec = self.request, self.codec
        return codec.settle(codec.decode(torch.cat(self._kept)), request.where, request.prompt)

    @property
    def waiting(self) -> int:
        """How many are kept and not drained yet."""
        return sum(map(len, self._kept))

    def drained(self) -> Any:
        """What was kept since it was drained last; it is held no longer."""
        made = self.items(self.request.first + self.kept - self.waiting)
        self._kept = []
        return made

    def items(self, first: int | None = None) -> Any:
        """What was kept, in the medium's own collection."""
        request, codec, made = self.request, self.codec, self.rows()
        if getattr(codec, "exacting", False):
            made = codec.numbered(made, request.seed, request.first if first is None else first)
        return made


def needs_keeping(codec: Any, request: Request) -> bool:
    """Whether conditions may say more than ids can, or not every item may be put out."""
    asked = request.where or request.prompt or getattr(codec, "exacting", False)
    return bool(codec.conditional and asked)


def kept(engine: Engine, request: Request) -> Any:
    """The request's items, with the engine for itself."""
    keeping = Keeping(engine.model.codec, request)
    while not keeping.done:
        generation = engine.submit(keeping.next())
        generation.finish()
        keeping.take(generation)
    return keeping.items()
