"""ROUGE-1, -2 and -L (Lin 2004), as the package rouge_score reckons them, with stems or without.

The F of each text; of several references the one that gives the most (as SciTLDR does, Cachola et
al. 2020); the mean over texts. Words are runs of a-z and 0-9. Knows strings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from genloom.metric.stem import stem

NAMES = ("rouge_1", "rouge_2", "rouge_l")
_OTHER = re.compile(r"[^a-z0-9]+")
_LONGER = 3  # letters; only longer words are stemmed


def words(text: str, stemmed: bool = False) -> list[str]:
    found = [word for word in _OTHER.sub(" ", text.lower()).split() if word]
    return [stem(word) if len(word) > _LONGER else word for word in found] if stemmed else found


def values(
    made: Sequence[str], references: Sequence[Sequence[str]], *, stemmed: bool = False
) -> dict[str, np.ndarray]:
    """F of each text, 0 to 100, float [N] for each of NAMES."""
    own = [words(text, stemmed) for text in made]
    told = [[words(text, stemmed) for text in some] for some in references]
    return {
        name: np.array(
            [100 * max(f(a, b) for b in some) for a, some in zip(own, told, strict=True)]
        )
        for name, f in _MEASURES.items()
    }


def _of_runs(size: int) -> Callable[[list[str], list[str]], float]:
    def measure(own: list[str], told: list[str]) -> float:
        ours, theirs = (
            Counter(tuple(side[n : n + size]) for n in range(len(side) - size + 1))
            for side in (own, told)
        )
        both = sum((ours & theirs).values())
        return _f(both, sum(ours.values()), sum(theirs.values()))

    return measure


def _of_subsequence(own: list[str], told: list[str]) -> float:
    return _f(_longest(own, told), len(own), len(told))


def _longest(a: list[str], b: list[str]) -> int:
    """Words of the longest common subsequence, by a row of its table at a time."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for n, other in enumerate(b, 1):
            before, row[n] = row[n], before + 1 if word == other else max(row[n], row[n - 1])
    return row[-1]


def _f(both: int, ours: int, theirs: int) -> float:
    precision, recall = both / max(ours, 1), both / max(theirs, 1)
    return 2 * precision * recall / (precision + recall) if both else 0.0


_MEASURES = {"rouge_1": _of_runs(1), "rouge_2": _of_runs(2), "rouge_l": _of_subsequence}
