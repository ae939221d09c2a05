"""How far a made table is from a real one: column shapes and column pair trends, in percent.

The definitions are those of the quality report of SDMetrics 0.32 (published documentation, MIT):
error = 100 * (1 - score). Knows frames and arithmetic; no codec, no model.
Shape legend: R real rows, M made rows, K distinct values of a column.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Kind = Literal["number", "choice"]

# Pairs that hang together less than this in the real data do not count towards the trend.
STRONG_CORRELATION = 0.5
STRONG_ASSOCIATION = 0.3
_BINS = 10
_DECIMALS = 14
_DENSE = 1 << 20  # cells of a contingency table that is counted rather than sorted


@dataclass(frozen=True)
class Quality:
    """columns, pairs: percent error, NaN where it is not defined; the errors are their means.

    strong: the pairs that count towards trend_error.
    """

    columns: Mapping[str, float] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], float] = field(default_factory=dict)
    strong: frozenset[tuple[str, str]] = frozenset()

    @property
    def shape_error(self) -> float:
        return _mean(list(self.columns.values()))

    @property
    def trend_error(self) -> float:
        return _mean([error for pair, error in self.pairs.items() if pair in self.strong])


def table_quality(real: Any, made: Any, kinds: Mapping[str, Kind] | None = None) -> Quality:
    """Compares two DataFrames column by column and pair by pair.

    kinds: which columns count, and how; by default all, numbers and dates by their dtype.
    """
    kinds = kinds or {name: _kind(real[name]) for name in real.columns}
    sides = {name: _Sides.of(real[name], made[name], kind) for name, kind in kinds.items()}
    columns = {name: 100 * side.shape_distance() for name, side in sides.items()}
    pairs, strong = {}, set()
    for one, other in itertools.combinations(sides, 2):
        distance, counts = _pair(sides[one], sides[other])
        pairs[one, other] = 100 * distance
        if counts:
            strong.add((one, other))
    return Quality(columns, pairs, frozenset(strong))


def ks_distance(real: np.ndarray, made: np.ndarray) -> float:
    """The greatest gap between two empirical distribution functions; NaN for an empty side."""
    if not len(real) or not len(made):
        return float("nan")
    real, made = np.sort(real), np.sort(made)
    both = np.concatenate((real, made))
    gap = np.searchsorted(real, both, "right") / len(real) - np.searchsorted(
        made, both, "right"
    ) / len(made)
    return float(np.abs(gap).max())


def tv_distance(real: np.ndarray, made: np.ndarray) -> float:
    """Half the summed gap between two frequency tables of codes; NaN for an empty side."""
    if not len(real) or not len(made):
        return float("nan")
    size = int(max(real.max(), made.max())) + 1
    gap = np.bincount(real, minlength=size) / len(real) - np.bincount(made, minlength=size) / len(
        made
    )
    return float(np.abs(gap).sum() / 2)


def cramers_v(one: np.ndarray, other: np.ndarray) -> float:
    """Association of two columns of codes in [0, 1]; NaN where either has a single value.

    Cramér 1946: sqrt(chi^2 / n / (smaller number of values - 1)).
    """
    _, one = np.unique(one, return_inverse=True)
    _, other = np.unique(other, return_inverse=True)
    rows, columns = np.bincount(one), np.bincount(other)
    if min(len(rows), len(columns)) < 2:
        return float("nan")
    cells, counts = np.unique(one * len(columns) + other, return_counts=True)
    expected = rows[cells // len(columns)] * columns[cells % len(columns)] / len(one)
    chi2 = float((counts**2 / expected).sum() - len(one))
    return float(np.sqrt(max(chi2, 0.0) / len(one) / (min(len(rows), len(columns)) - 1)))


@dataclass(frozen=True)
class _Sides:
    """One column of both tables.

    real, made    numbers: float64 with NaN; choices: int64 codes, -1 for missing
    real_bins, made_bins   codes for a contingency table, from 0
    """

    kind: Kind
    real: np.ndarray
    made: np.ndarray
    real_bins: np.ndarray
    made_bins: np.ndarray

    @classmethod
    def of(cls, real: Any, made: Any, kind: Kind) -> _Sides:
        if kind == "number":
            one, other = _plain(real), _plain(made)
            return cls(kind, one, other, _binned(one), _binned(other))
        one, other = _codes(real, made)
        return cls(kind, one, other, one + 1, other + 1)

    def shape_distance(self) -> float:
        if self.kind == "choice":
            return tv_distance(self.real[self.real >= 0], self.made[self.made >= 0])
        real, made = (side[~np.isnan(side)] for side in (self.real, self.made))
        return ks_distance(np.round(real, _DECIMALS), np.round(made, _DECIMALS))

    def constant(self) -> bool:
        return any(len(np.unique(side[~np.isnan(side)])) == 1 for side in (self.real, self.made))


def _pair(one: _Sides, other: _Sides) -> tuple[float, bool]:
    """Distance of a pair in [0, 1] or NaN, and whether it counts."""
    if one.kind == other.kind == "number":
        return _correlation_distance(one, other)
    association = cramers_v(one.real_bins, other.real_bins)
    if not association > STRONG_ASSOCIATION:
        return float("nan"), False
    real, made = _joined(one, other)
    return tv_distance(real, made), True


def _correlation_distance(one: _Sides, other: _Sides) -> tuple[float, bool]:
    if one.constant() or other.constant():
        return float("nan"), False
    real = correlation(one.real, other.real)
    if not abs(real) > STRONG_CORRELATION:
        return float("nan"), False
    return abs(real - correlation(one.made, other.made)) / 2, True


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's, over the rows where both are there; NaN where it is undefined."""
    both = ~(np.isnan(one) | np.isnan(other))
    if both.sum() < 2:
        return float("nan")
    x, y = one[both] - one[both].mean(), other[both] - other[both].mean()
    scale = float(np.linalg.norm(x)) * float(np.linalg.norm(y))
    return float(np.clip(x @ y / scale, -1, 1)) if scale > 0 else float("nan")


def _joined(one: _Sides, other: _Sides) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the pairs of values, of both sides."""
    width = int(max(other.real_bins.max(), other.made_bins.max())) + 1
    real = one.real_bins * width + other.real_bins
    made = one.made_bins * width + other.made_bins
    if max(real.max(), made.max()) < _DENSE:
        return real, made
    _, codes = np.unique(np.concatenate((real, made)), return_inverse=True)
    return codes[: len(real)], codes[len(real) :]


def _binned(values: np.ndarray) -> np.ndarray:
    """Ten bins of equal width over the side's own range; its highest value and missing ones share
    the place above the last, as in SDMetrics 0.32."""
    present = values[~np.isnan(values)]
    if not len(present):
        return np.zeros(len(values), np.int64)
    return np.digitize(values, np.histogram_bin_edges(present, bins=_BINS))


def _plain(series: Any) -> np.ndarray:
    """float64; dates as their count since 1970."""
    if series.dtype.kind in "Mm":
        raw = series.to_numpy()
        return np.where(np.isnat(raw), np.nan, raw.view(np.int64).astype(np.float64))
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _codes(real: Any, made: Any) -> tuple[np.ndarray, np.ndarray]:
    """int64 codes with one meaning on both sides, -1 for missing."""
    pd = importlib.import_module("pandas")
    both = pd.concat((real.astype(object), made.astype(object)), ignore_index=True)
    codes = np.asarray(pd.factorize(both)[0], dtype=np.int64)
    return codes[: len(real)], codes[len(real) :]


def _kind(series: Any) -> Kind:
    pd = importlib.import_module("pandas")
    if pd.api.types.is_bool_dtype(series.dtype):
        return "choice"
    ordered = pd.api.types.is_numeric_dtype(series.dtype) or series.dtype.kind in "Mm"
    return "number" if ordered else "choice"


def _mean(errors: list[float]) -> float:
    known = [error for error in errors if error == error]
    return sum(known) / len(known) if known else float("nan")
