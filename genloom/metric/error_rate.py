"""Word and character error rates: edits from what was said to what was heard, over what was said.

`edits` is by rows of an array, `edits_slowly` the recursion as it is written down; both count
insertions, deletions and substitutions (Levenshtein 1966). Knows texts, no sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from genloom.metric import bootstrap
from genloom.metric.interval import Interval


def edits(said: Sequence[object], heard: Sequence[object]) -> int:
    """The fewest insertions, deletions and substitutions that make one into the other."""
    numbers: dict[object, int] = {}
    a = np.array([numbers.setdefault(one, len(numbers)) for one in said], dtype=np.int64)
    b = np.array([numbers.setdefault(one, len(numbers)) for one in heard], dtype=np.int64)
    places = np.arange(len(b) + 1)
    row = places.copy()
    for one in a:
        step = np.empty_like(row)
        step[0] = row[0] + 1
        step[1:] = np.minimum(row[:-1] + (b != one), row[1:] + 1)
        row = np.minimum.accumulate(step - places) + places  # insertions from left to right
    return int(row[-1])


def edits_slowly(said: Sequence[object], heard: Sequence[object]) -> int:
    """The same by the definition."""

    @cache
    def upto(m: int, n: int) -> int:
        if not m or not n:
            return m + n
        changed = upto(m - 1, n - 1) + (said[m - 1] != heard[n - 1])
        return min(changed, upto(m - 1, n) + 1, upto(m, n - 1) + 1)

    return upto(len(said), len(heard))


def character_counts(said: Sequence[str], heard: Sequence[str]) -> np.ndarray:
    """[N, 2]: edits and characters of each pair."""
    pairs = zip(said, heard, strict=True)
    return np.array([(edits(a, b), len(a)) for a, b in pairs], dtype=np.float64).reshape(-1, 2)


def word_counts(said: Sequence[str], heard: Sequence[str]) -> np.ndarray:
    """[N, 2]: edits and words of each pair."""
    pairs = [(a.split(), b.split()) for a, b in zip(said, heard, strict=True)]
    return np.array([(edits(a, b), len(a)) for a, b in pairs], dtype=np.float64).reshape(-1, 2)


def rate(counts: np.ndarray, seed: int = 0) -> Interval:
    """Edits over what was said, of all pairs together, with its 95 % interval over pairs."""
    return bootstrap.interval(counts, bootstrap.mean, seed=seed)
