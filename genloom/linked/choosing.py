"""Which row a link leads to: groups of the rows of a parent, and places in them by their counts.

A parent's rows fall into groups of like rows (k-means: Lloyd 1982) that a model can draw; in a
group the rows are taken as often as their own counts say. Knows numbers only.
Shape legend: N rows, F features, K groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

MOST_GROUPS = 64
_ROWS_OF_GROUP = 8
_FITTED = 20_000
_ROUNDS = 15
_TOGETHER = 65_536


def fit_groups(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """float32 [K, F], the middles of groups."""
    rng = np.random.default_rng(seed)
    count = max(1, min(MOST_GROUPS, len(features) // _ROWS_OF_GROUP))
    some = features
    if len(features) > _FITTED:
        some = features[rng.choice(len(features), _FITTED, replace=False)]
    middles = _far_apart(some, count, rng)
    for _ in range(_ROUNDS):
        group = nearest(some, middles)
        total = np.zeros_like(middles)
        np.add.at(total, group, some)
        held = np.bincount(group, minlength=len(middles))
        full = held > 0
        middles[full] = total[full] / held[full, None]
    return middles.astype(np.float32)


def _far_apart(features: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Beginnings that are spread (k-means++: Arthur & Vassilvitskii 2007)."""
    first = features[rng.integers(len(features))]
    middles, distance = [first], ((features - first) ** 2).sum(1)
    while len(middles) < count and distance.sum() > 0:
        middles.append(features[rng.choice(len(features), p=distance / distance.sum())])
        distance = np.minimum(distance, ((features - middles[-1]) ** 2).sum(1))
    return np.array(middles, dtype=np.float64)


def nearest(features: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """int64 [N], the group of each row."""
    out = np.empty(len(features), np.int64)
    size = (middles**2).sum(1)
    for start in range(0, len(features), _TOGETHER):
        part = features[start : start + _TOGETHER]
        out[start : start + _TOGETHER] = (size - 2 * part @ middles.T).argmin(1)
    return out


def to_sum(counts: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Counts that add up to about `total`, in proportion: what is between two whole numbers falls
    to either by chance."""
    held = int(counts.sum())
    if held == total or held == 0:
        return counts
    return np.floor(counts * (total / held) + rng.random(len(counts))).astype(np.int64)


@dataclass
class Places:
    """The rows of a parent in every group, each as often as its count, in an order of chance. Taken
    one after the other; when all of a group are, they come again."""

    rows: list[np.ndarray]
    at: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, group: np.ndarray, counts: np.ndarray, groups: int, seed: int) -> Places:
        rng = np.random.default_rng(seed)
        rows = []
        for one in range(groups):
            mine = np.flatnonzero(group == one)
            found = np.repeat(mine, counts[mine])
            found = found if len(found) else (mine if len(mine) else np.arange(len(group)))
            rows.append(rng.permutation(found))
        return cls(rows=rows, at=[0] * groups)

    def take(self, group: np.ndarray) -> np.ndarray:
        """int64 [N], a row for each wanted group; -1 stays."""
        out = np.full(len(group), -1, np.int64)
        for one in np.unique(group[group >= 0]).tolist():
            wanted = np.flatnonzero(group == one)
            mine, start = self.rows[one], self.at[one]
            out[wanted] = mine[(start + np.arange(len(wanted))) % len(mine)]
            self.at[one] = (start + len(wanted)) % len(mine)
        return out
