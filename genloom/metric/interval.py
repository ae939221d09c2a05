"""How far a measured share or mean may be from the truth: Wilson's interval and the bootstrap.

Knows counts and lists of numbers. Knows no medium, model or protocol.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate between its bounds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def above(self, other: Interval) -> bool:
        """Whether the two intervals are apart, this one higher."""
        return self.low > other.high


def wilson(hits: int, count: int, level: float = LEVEL) -> Interval:
    """Of a share: hits of count trials (Wilson 1927). Nothing counted is nothing known."""
    if not 0 <= hits <= count:
        raise ValueError(f"{hits} hits of {count}: give 0 to {count}")
    if count == 0:
        return Interval(math.nan, 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == count else middle + half
    return Interval(share, low, high)


def bootstrap(
    values: Sequence[float],
    weights: Sequence[float] | None = None,
    *,
    level: float = LEVEL,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Of a mean of items drawn anew with replacement; weighted: sum(values) / sum(weights), as
    nats over bytes are."""
    top = np.asarray(values, float)
    under = np.ones(len(top)) if weights is None else np.asarray(weights, float)
    if len(top) != len(under):
        raise ValueError(f"{len(top)} values and {len(under)} weights: give one each")
    if len(top) == 0:
        return Interval(math.nan, -math.inf, math.inf)
    rng = np.random.default_rng(seed)
    means = np.empty(draws)
    for n in range(draws):
        chosen = rng.integers(0, len(top), len(top))
        means[n] = top[chosen].sum() / under[chosen].sum()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(top.sum() / under.sum()), float(low), float(high))
