"""Multiple choice by likelihood: which continuation the model finds likeliest.

acc compares log-likelihoods, acc_norm those divided by the characters of each choice, acc_bytes
by its bytes; of equal ones the first counts. Knows contexts and continuations; the net's work is
in engine/likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genloom.engine.likelihood import Likely, likelihoods
from genloom.engine.reading import Reader
from genloom.model import Model
from genloom.trust.suites.encoding import Encoding
from genloom.trust.suites.fields import Row, fill
from genloom.trust.suites.outcome import Asked, Outcome, share
from genloom.trust.suites.prompts import Choices, choices, prompt
from genloom.trust.suites.suite import Suite


def measure(model: Model, asked: Asked) -> Outcome:
    suite = asked.suite
    told = [choices(suite, row) for row in asked.rows]
    pairs = [
        pair
        for context, row, one in zip(asked.contexts, asked.rows, told, strict=True)
        for pair in _pairs(suite, context, row, one)
    ]
    asked.tell(f"{suite.name}: encoding {len(pairs):,} choices")
    ids = Encoding(model).pairs(pairs)
    with Reader(model) as reader:
        heard = _pace(asked, len(pairs))
        every = iter(likelihoods(reader, ids, heard))
    found = [[next(every) for _ in one.options] for one in told]
    items = [_item(suite, one, some) for one, some in zip(told, found, strict=True)]
    chance = sum(1 / len(one.options) for one in told) / len(told)
    numbers = tuple(
        share(metric, [item[metric] for item in items], floor=chance, note="floor: a guess")
        for metric in suite.measured
    )
    return Outcome(
        numbers=numbers,
        items=items,
        cut=sum(any(one.cut for one in some) for some in found),
        settings={"choices": len(pairs)},
    )


def _pace(asked: Asked, count: int) -> Any:
    def heard(done: int) -> None:
        asked.tell(f"{asked.suite.name}: {done:,} of {count:,} choices read")

    return heard


def _pairs(suite: Suite, context: str, row: Row, told: Choices) -> list[tuple[str, str]]:
    if suite.continuation:
        end = suite.delimiter + fill(suite.continuation, row)
        return [(context + prompt(suite, row, option), end) for option in told.options]
    start = context + prompt(suite, row)
    return [(start, suite.delimiter + option) for option in told.options]


def _item(suite: Suite, told: Choices, found: Sequence[Likely]) -> dict[str, Any]:
    sums = [one.logprob for one in found]
    sizes: dict[str, list[float]] = {
        "acc": [1.0] * len(sums),
        "acc_norm": [len(option) for option in told.options],
        "acc_bytes": [len(option.encode("utf-8", "replace")) for option in told.options],
    }
    picked = {m: _first_best(sums, sizes[m]) for m in suite.measured}
    return {
        "answer": told.right,
        "picked": picked[suite.measured[0]],
        "logprobs": [round(x, 6) for x in sums],
        "cut": max(one.cut for one in found),
        **{metric: float(choice == told.right) for metric, choice in picked.items()},
    }


def _first_best(sums: Sequence[float], sizes: Sequence[float]) -> int:
    scores = [total / size for total, size in zip(sums, sizes, strict=True)]
    return max(range(len(scores)), key=lambda n: (scores[n], -n))
