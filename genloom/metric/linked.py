"""How far made linked tables are from real ones: keys, children of each parent, what hangs together
across a link and from a row to the next.

Definitions: `integrity` is the share of links that lead to a row (SDMetrics calls it referential
integrity); `counts_distance` the Kolmogorov-Smirnov distance of the numbers of children of a parent
(its cardinality shape, 1 - score); `cross_error` the mean over pairs of a parent's and a child's
column of how far Pearson's correlation (two numbers) or Cramer's V (else) is off; `next_error` the
same over pairs of a column and itself in the row before of the same owner. Knows frames only.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from genloom.metric.table import _binned, _codes, _plain, correlation, cramers_v, ks_distance

Kind = Literal["number", "choice"]
MOST_PAIRED = 100_000  # rows of each side whose pairs are compared


def integrity(child: Any, column: str, keys: Any) -> float:
    """Share of the values that are there among the keys."""
    there = child[column].dropna()
    return float(there.isin(keys).mean()) if len(there) else 1.0


def children(child: Any, column: str, keys: Any) -> np.ndarray:
    """int64 [N], the number of children of each key."""
    pd = importlib.import_module("pandas")
    held = child[column].value_counts()
    found = pd.Index(held.index).get_indexer(keys)
    return np.append(held.to_numpy(np.int64), 0)[found]


def counts_distance(real: np.ndarray, made: np.ndarray) -> float:
    """KS distance of two lists of numbers of children."""
    return ks_distance(real.astype(np.float64), made.astype(np.float64))


def pair_errors(
    real: tuple[Any, Any],
    made: tuple[Any, Any],
    kinds: tuple[Mapping[str, Kind], Mapping[str, Kind]],
) -> dict[tuple[str, str], float]:
    """(column of the first, column of the second) -> how far their association is off. Each side is
    two frames of as many rows, beside each other."""
    out = {}
    for one, kind in kinds[0].items():
        for other, second in kinds[1].items():
            both = kind == second == "number"
            measure = correlation if both else cramers_v
            sides = []
            for first, last in (real, made):
                x, y = (_column(s, k, both) for s, k in ((first[one], kind), (last[other], second)))
                sides.append(measure(x, y))
            if all(np.isfinite(sides)):
                out[one, other] = abs(sides[0] - sides[1])
    return out


def _column(series: Any, kind: Kind, both: bool) -> np.ndarray:
    if kind == "number":
        plain = _plain(series)
        return plain if both else _ranked(plain)
    return _codes(series, series)[0] + 1


def _ranked(plain: np.ndarray) -> np.ndarray:
    """Ten groups of as many rows each, and one of missing values: an outlier moves no border."""
    there = plain[~np.isnan(plain)]
    if not len(there):
        return _binned(plain)
    edges = np.unique(np.quantile(there, np.linspace(0, 1, 11)[1:-1]))
    return np.where(np.isnan(plain), 10, np.searchsorted(edges, plain, "right"))


def joined(child: Any, column: str, parent: Any, key: str) -> tuple[Any, Any]:
    """(the parent's row of each child, the child's row) without links that are missing."""
    pd = importlib.import_module("pandas")
    place = pd.Index(parent[key]).get_indexer(child[column])
    there = place >= 0
    if there.sum() > MOST_PAIRED:
        drawn = np.random.default_rng(0).choice(np.flatnonzero(there), MOST_PAIRED, replace=False)
        there = np.zeros(len(there), bool)
        there[drawn] = True
    first = parent.iloc[place[there]].reset_index(drop=True)
    return first, child[there].reset_index(drop=True)


def neighbours(child: Any, column: str, order: str | None) -> tuple[Any, Any]:
    """(a row, the row after it) of the same owner, by the values of `order` or as they lie."""
    frame = child.sort_values([column] + ([order] if order else []), kind="stable")
    same = (frame[column].to_numpy()[1:] == frame[column].to_numpy()[:-1]).nonzero()[0]
    return frame.iloc[same].reset_index(drop=True), frame.iloc[same + 1].reset_index(drop=True)


def mean(errors: Mapping[Any, float]) -> float:
    return float(np.mean(list(errors.values()))) if errors else float("nan")
