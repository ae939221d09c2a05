"""What items are searched for: a score that their codec knows, or the user's own program.

A score of the user's own is not trusted: it may raise, hang, or give no number. What it cannot
score is told and passed over, until it is too much. Knows rewards and codecs; no model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from genloom.codec.pair.task import Task
from genloom.errors import RewardError, UsageError
from genloom.rewards.base import Reward, Try, Unscored
from genloom.rewards.named import reward_of
from genloom.rewards.programs import is_function_file, is_program

IN_A_ROW = 5  # items that cannot be scored, one after another: it is given up
SHARE = 0.5  # of the items seen, from SEEN on
SEEN = 20
EQUAL = 300  # different items that all have one score: nothing can be found by it
PYTHON = "python:"


@dataclass
class Score:
    """words: as they were given. own: built into the codec. failed: reason -> how often."""

    words: str
    own: bool
    of: Callable[[Sequence[Any]], list[float]] | Reward
    seen: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    values: set[float] = field(default_factory=set)
    failing: int = 0  # in a row

    @classmethod
    def read(cls, words: str | Callable[..., Any], codec: Any) -> Score:
        """The score that is meant. UsageError where there is none of that name."""
        if not isinstance(words, str):
            return cls(getattr(words, "__name__", "a function"), False, reward_of(words))
        known = getattr(codec, "objective", lambda words: None)(words)
        if known is not None:
            return cls(words, True, known)
        path = words.removeprefix(PYTHON)
        if is_function_file(path) or is_program(path):
            return cls(words, False, reward_of(path))
        named = ", ".join(getattr(codec, "objectives", ())) or "none that is built in"
        raise UsageError(
            f"the score {words!r} is neither known nor a program: of this model's items there is "
            f"{named}; or give python:FILE.py:function, or a command that reads JSON lines"
        )

    def __call__(self, items: Sequence[Any]) -> list[float | None]:
        """A number for each item, None where there is none to be had. RewardError where too many
        fail or all are alike."""
        found = self._built_in(items) if self.own else self._asked(items)
        for value in found:
            self.seen += 1
            self.failing = self.failing + 1 if value is None else 0
            if value is not None and len(self.values) < 2:
                self.values.add(value)
        self._refuse()
        return found

    def _built_in(self, items: Sequence[Any]) -> list[float | None]:
        assert callable(self.of)
        values: Any = self.of(items)
        for value in values:
            if not math.isfinite(value):
                self.failed["it is no number for such an item"] += 1
        return [float(value) if math.isfinite(value) else None for value in values]

    def _asked(self, items: Sequence[Any]) -> list[float | None]:
        """The user's own, again from behind each item at which it failed."""
        out: list[float | None] = [None] * len(items)
        start = 0
        while start < len(items):
            some = [_try(one) for one in items[start:]]
            try:
                out[start:] = self._numbers(some)
                break
            except Unscored as error:
                place = min(error.place, len(some) - 1)
                self.failed[error.why[:200]] += 1
                self._too_many(place)
                if place:
                    out[start : start + place] = self._before(some[:place])
                start += place + 1
        return out

    def _numbers(self, some: Sequence[Try]) -> list[float]:
        reward: Any = self.of
        found = list(reward(some))
        if len(found) != len(some):
            raise Unscored(len(found), f"it gave {len(found)} numbers for {len(some)} items")
        for place, value in enumerate(found):
            if not math.isfinite(value):
                raise Unscored(place, f"it gave {value}, but a finite number is expected")
        return found

    def _before(self, some: Sequence[Try]) -> list[float | None]:
        """Those before one that failed, asked once more."""
        try:
            return list(self._numbers(some))
        except Unscored:
            return [None] * len(some)

    def _too_many(self, place: int) -> None:
        self.failing = 1 if place else self.failing + 1
        if self.failing >= IN_A_ROW:
            raise RewardError(
                f"the score {self.words!r} failed for {self.failing} items in a row, last: "
                f"{self.failed.most_common(1)[0][0]}. Mend it, then go on with --resume"
            )

    def _refuse(self) -> None:
        failed = self.failed.total()
        if self.seen >= SEEN and failed > SHARE * self.seen:
            raise RewardError(
                f"the score {self.words!r} failed for {failed} of {self.seen} items, mostly: "
                f"{self.failed.most_common(1)[0][0]}. Mend it, then go on with --resume"
            )
        if self.seen - failed >= EQUAL and len(self.values) == 1:
            raise RewardError(
                f"the score {self.words!r} gave {next(iter(self.values)):g} for each of "
                f"{self.seen - failed} different items: nothing can be found by it"
            )

    def close(self) -> None:
        """End what was started."""
        close = getattr(self.of, "close", None)
        if close is not None:
            close()


def _try(item: Any) -> Try:
    return Try(task=Task(prompt="", record={"item": str(item)}), completion=str(item))
