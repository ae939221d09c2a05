"""Exact match: an answer that the model writes, taken out of its text and compared.

Knows texts, expressions and the rules of comparing; the writing is in generating.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

from genloom.api import Model
from genloom.trust.suites import generating
from genloom.trust.suites.outcome import Asked, Number, Outcome, share
from genloom.trust.suites.prompts import golds, prompt
from genloom.trust.suites.suite import Extract, Suite

NONE = "[invalid]"  # stands where nothing matched; the harness's word, so that the two compare
_SIGNS = str.maketrans("", "", string.punctuation)


def measure(model: Model, asked: Asked) -> Outcome:
    suite = asked.suite
    right = [[plain(suite, gold) for gold in golds(suite, row)] for row in asked.rows]
    own = [prompt(suite, row) for row in asked.rows]
    prompts = [context + one for context, one in zip(asked.contexts, own, strict=True)]
    made = generating.write(model, prompts, asked)
    items = [
        _item(suite, some, texts[0], cut)
        for some, texts, cut in zip(right, made.texts, made.cut, strict=True)
    ]
    usual, floor = most_frequent(right)
    note = f"floor: always {usual[:40]!r}, the most frequent answer"
    numbers = [_number(extract, items, floor, note) for extract in suite.extracts]
    return Outcome(
        numbers=tuple(numbers),
        items=items,
        cut=sum(cut > 0 for cut in made.cut),
        settings=made.settings,
        notes=made.notes,
    )


def _number(extract: Extract, items: list[dict[str, Any]], floor: float, note: str) -> Number:
    name = metric(extract)
    return share(name, [item[name] for item in items], floor=floor, note=note)


def metric(extract: Extract) -> str:
    return f"exact_match,{extract.name}" if extract.name else "exact_match"


def _item(suite: Suite, right: Sequence[str], text: str, cut: int) -> dict[str, Any]:
    taken = {metric(extract): take(extract, text) for extract in suite.extracts}
    return {
        "answers": list(right),
        "text": text,
        "taken": list(taken.values()),
        "cut": cut,
        **{name: float(plain(suite, one) in right) for name, one in taken.items()},
    }


def take(extract: Extract, text: str) -> str:
    """The answer in a text; of a match with groups the first group that holds something."""
    if not extract.pattern:
        return text.strip()
    found: list[Any] = re.findall(extract.pattern, text)
    if not -len(found) <= extract.pick < len(found):
        return NONE
    one = found[extract.pick]
    if isinstance(one, tuple):
        one = next(filter(None, one), NONE)
    return str(one).strip()


def plain(suite: Suite, text: str) -> str:
    """An answer as it is compared."""
    for pattern in suite.ignore:
        text = re.sub(pattern, "", text)
    text = text.lower() if suite.ignore_case else text
    return text.translate(_SIGNS) if suite.ignore_punctuation else text


def most_frequent(right: Sequence[Sequence[str]]) -> tuple[str, float]:
    """The answer that is right most often, and for what share of the items."""
    counts = Counter(answer for some in right for answer in dict.fromkeys(some))
    usual, count = counts.most_common(1)[0]
    return usual, count / len(right)
