"""How a set of molecules is beside another: distributions and scaffolds, as numbers and names.

The definitions are those of MOSES (Polykovskiy et al. 2020). Knows no chemistry and no file.
Shape legend: N, M molecules of each set.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np


def wasserstein(real: Sequence[float], made: Sequence[float]) -> float:
    """The first Wasserstein distance of two samples in deviations of the first; NaN where one is
    empty or the first is all alike."""
    one, other = (np.sort(np.array([v for v in some if math.isfinite(v)])) for some in (real, made))
    if not len(one) or not len(other) or not one.std():
        return float("nan")
    every = np.sort(np.concatenate([one, other]))
    gaps = np.diff(every)
    below = [np.searchsorted(some, every[:-1], "right") / len(some) for some in (one, other)]
    return float((np.abs(below[0] - below[1]) * gaps).sum() / one.std())


def cosine(real: Sequence[str], made: Sequence[str]) -> float:
    """Of how often each name (a scaffold) comes in two sets: 1 alike, 0 nothing in common."""
    one, other = Counter(real), Counter(made)
    shared = sum(count * other[name] for name, count in one.items())
    size = math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))
    return shared / size if size else float("nan")
