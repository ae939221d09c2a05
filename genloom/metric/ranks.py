"""How alike two orders of the same things are. On plain numbers; knows no medium.

Spearman 1904, equal values sharing the mean of their ranks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Values = Sequence[float] | np.ndarray


def ranks(values: Values) -> np.ndarray:
    """float64 [N], from 0; equal ones have the mean of theirs."""
    own = np.asarray(values, np.float64)
    _, place, counts = np.unique(own, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    found: np.ndarray = (last - (counts + 1) / 2)[place]
    return found


def spearman(a: Values, b: Values) -> float:
    """-1 to 1; NaN where one of them is all alike."""
    x, y = ranks(a), ranks(b)
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm else float("nan")


def auroc(good: Values, bad: Values) -> float:
    """The chance that one of the good is above one of the bad; equal ones count half."""
    if not len(good) or not len(bad):
        return float("nan")
    place = ranks([*good, *bad])[: len(good)]
    return float((place.sum() - len(good) * (len(good) - 1) / 2) / (len(good) * len(bad)))
