"""Confidence intervals by resampling items (Efron 1979), for one system or for two on one set.

A metric of a corpus is counts of each item and a score of their sums; both are given. Knows no
metric. Shape legend: N items, S counts of one, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from genloom.metric.interval import Interval

Score = Callable[[np.ndarray], np.ndarray]  # sums [..., S] -> [...]
DRAWS = 1000
_AT_ONCE = 1 << 24  # numbers in memory


def interval(counts: np.ndarray, score: Score, *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The score of all items. counts [N, S]."""
    found = np.concatenate([score(sums) for (sums,) in _resampled((counts,), draws, seed)])
    return _middle(float(score(counts.sum(0))), found)


def difference(
    ours: np.ndarray, theirs: np.ndarray, score: Score, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Our score less theirs on the same items, resampled together (Koehn 2004). counts [N, S].

    An interval that does not hold 0 is a difference at the level of 5%.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"{ours.shape} counts beside {theirs.shape}: give the same items")
    pairs = _resampled((ours, theirs), draws, seed)
    found = np.concatenate([score(a) - score(b) for a, b in pairs])
    return _middle(float(score(ours.sum(0)) - score(theirs.sum(0))), found)


def mean(sums: np.ndarray) -> np.ndarray:
    """The score of counts [value, 1]: the mean over items."""
    return sums[..., 0] / np.maximum(sums[..., 1], 1)


def of_values(values: np.ndarray) -> np.ndarray:
    """Counts [N, 2] for `mean` from a value an item."""
    values = np.asarray(values, dtype=np.float64)
    return np.stack([values, np.ones_like(values)], -1)


def _resampled(
    sets: tuple[np.ndarray, ...], draws: int, seed: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """Sums [r, S] over items drawn with replacement, of every set by the same draws."""
    size = len(sets[0])
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // max(1, size))
    for start in range(0, draws, step):
        count = min(step, draws - start)
        times = rng.multinomial(size, np.full(size, 1 / size), count).astype(np.float64)
        yield tuple(times @ counts for counts in sets)


def _middle(value: float, found: np.ndarray) -> Interval:
    low, high = np.quantile(found, (0.025, 0.975))
    return Interval(value=value, low=float(low), high=float(high))
