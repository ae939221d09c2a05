"""What a model is shown: a description, examples with their answers, and the item itself.

Examples are drawn as lm-evaluation-harness draws them (Python's generator with seed 1234, anew for
each item, in order), so that the same text comes out. Knows suites and rows, no ids and no model.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genloom.errors import DataError
from genloom.trust.suites.fields import Row, fill, texts, value
from genloom.trust.suites.files import Rows
from genloom.trust.suites.suite import Suite

SEED = 1234


@dataclass(frozen=True)
class Choices:
    """The answers of an item and which of them is right."""

    options: tuple[str, ...]
    right: int


def choices(suite: Suite, row: Row) -> Choices:
    """DataError where one is empty or the right one is none of them."""
    if isinstance(suite.choices, str):
        options = tuple(texts(row, suite.choices))
    else:
        options = tuple(fill(choice, row) for choice in suite.choices)
    for number, option in enumerate(options, 1):
        if not option.strip():
            raise DataError(f"choice {number} of {len(options)} is empty")
    return Choices(options, _right(suite, row, options))


def _right(suite: Suite, row: Row, options: tuple[str, ...]) -> int:
    """A label, the text of a choice, a letter, or a number from 0."""
    told = value(row, suite.target)
    labels = texts(row, suite.labels) if suite.labels else []
    if len(labels) not in (0, len(options)):
        raise DataError(f"it has {len(options)} choices and {len(labels)} labels")
    word = str(told).strip()
    letters = [chr(ord("A") + n) for n in range(len(options))]
    plain = [option.strip() for option in options]
    for known in (labels, plain, [] if labels else letters):
        if word in known and not (isinstance(told, int) and known is not labels):
            return known.index(word)
    if not labels and word.isdecimal() and int(word) < len(options):
        return int(word)
    wanted = labels or [*letters, *(f"{n}" for n in range(len(options)))]
    raise DataError(f"its answer is {told!r}, but one of {', '.join(wanted)} is expected")


def golds(suite: Suite, row: Row) -> list[str]:
    """The texts of which each is right."""
    told = value(row, suite.target)
    return texts(row, suite.target) if isinstance(told, list | tuple) else [str(told)]


def prompt(suite: Suite, row: Row, option: str | None = None) -> str:
    """The item itself; of a prompt that holds {choice}, with this one."""
    with_choice = option is not None and suite.continuation
    return fill(suite.prompt, {**row, "choice": option} if with_choice else row)


def check(suite: Suite, row: Row) -> None:
    """DataError where an item cannot be asked."""
    option = _CHECKS[suite.kind](suite, row)
    if not prompt(suite, row, option).strip():
        raise DataError("its prompt is empty")


_CHECKS: dict[str, Callable[[Suite, Row], str | None]] = {
    "choice": lambda suite, row: choices(suite, row).options[0],
    "answer": lambda suite, row: golds(suite, row)[0],
    "program": lambda suite, row: fill(suite.program, {**row, "completion": ""}),
    "perplexity": lambda suite, row: None,
}


# --- examples -------------------------------------------------------------------------------------


class Examples:
    """Draws examples for one item after the other."""

    def __init__(self, suite: Suite, pool: Rows, apart: bool, shots: int) -> None:
        self.suite, self.pool, self.shots = suite, pool, shots
        self.random = random.Random(SEED)
        self.apart = apart
        self.spare = suite.spare or not apart

    def __call__(self, row: Row) -> str:
        """The description and the examples before an item, each with what parts it from the
        next."""
        suite = self.suite
        shown = self._drawn(row) if self.shots else []
        parts = [
            f"{prompt(suite, one, _gold(suite, one))}{suite.delimiter}{answer(suite, one)}"
            f"{suite.separator}"
            for one in shown
        ]
        return "".join([fill(suite.description, row), *parts])

    def _drawn(self, row: Row) -> Rows:
        pool, count = self.pool, self.shots
        if self.suite.within:
            same = value(row, self.suite.within)
            pool = [one for one in pool if one.get(self.suite.within) == same]
        others = pool if self.apart else [one for one in pool if one != row]
        if count + (self.spare and not self.suite.first) > len(pool) or count > len(others):
            raise DataError(f"it has {len(others)} other items to show as examples: ask for fewer")
        if self.suite.first:
            return others[:count]
        if not self.spare:
            return self.random.sample(pool, count)
        drawn = [one for one in self.random.sample(pool, count + 1) if one != row][:count]
        if len(drawn) < count:  # it was among them more than once
            drawn = self.random.sample([one for one in pool if one != row], count)
        return drawn


def _gold(suite: Suite, row: Row) -> str | None:
    if not suite.continuation:
        return None
    found = choices(suite, row)
    return found.options[found.right]


def answer(suite: Suite, row: Row) -> str:
    """The right answer of an example, as it is shown."""
    if suite.example:
        return fill(suite.example, row)
    if suite.continuation:
        return fill(suite.continuation, row)
    return _ANSWERS[suite.kind](suite, row)


def _chosen(suite: Suite, row: Row) -> str:
    found = choices(suite, row)
    return found.options[found.right]


_ANSWERS: dict[str, Callable[[Suite, Row], Any]] = {
    "choice": _chosen,
    "answer": lambda suite, row: golds(suite, row)[0],
    "program": lambda suite, row: fill(suite.reference, row),
    "perplexity": lambda suite, row: "",
}
