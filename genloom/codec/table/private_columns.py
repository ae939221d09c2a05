"""Columns learnt from noisy counts alone: which values there are, and how the others lie.

Taken as known to everybody are the names of columns, their kinds and types, how their numbers and
dates are written, and how many rows there are. Values, counts, bounds and whether cells are missing
come from the ledger's counts, in which every row is one. Knows no other column and no net.
Shape legend: N rows, K values, M leaves of a range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from genloom.budget import Ledger
from genloom.codec.table.columns import CategoryColumn, Column, ConstantColumn, labelled
from genloom.codec.table.dataframes import pandas
from genloom.codec.table.detect import Policy, learn_column
from genloom.codec.table.identifier_column import IdentifierColumn
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.number_form import NumberForm
from genloom.codec.table.quantiles import Quantiles
from genloom.errors import DataError

ROUNDS = 2  # in which leaves of many rows are divided
PARTS = 32  # that a leaf is divided into at most
WORTH = 4.0  # deviations of the noise that a part is to hold
QUARTERS = 4  # leaves to a doubling of the value, at first
_MOSTLY = 0.95  # share of the rows that known values cover in a column of few
_LONG_TEXT = 200

Note = Callable[[str], None]


def learn_privately(frame: Any, policy: Policy, ledger: Ledger, note: Note) -> tuple[Column, ...]:
    """The columns of a frame. DataError where nothing of it can be known within the budget."""
    policy = replace(policy, texts=0, seasons=False)  # pieces of texts are not counted
    found = [learn_column(name, frame[name], policy, lambda _: None) for name in frame.columns]
    numbers = sum(isinstance(c, NumberColumn) for c in found)
    values = sum(isinstance(c, CategoryColumn | ConstantColumn) for c in found)
    ledger.open((2 + ROUNDS) * numbers + values, choices=2 * numbers + values)
    out = tuple(_private(c, frame[c.name], policy, ledger, note) for c in found)
    if not any(column.sizes for column in out):
        raise DataError(
            f"of {len(frame):,} rows nothing can be known within the budget: only values of more "
            f"than {ledger.threshold:,.0f} rows are; raise epsilon, or give more rows"
        )
    return out


def _private(column: Column, series: Any, policy: Policy, ledger: Ledger, note: Note) -> Column:
    if isinstance(column, NumberColumn):
        return _number(column, series, policy, ledger, note)
    if isinstance(column, IdentifierColumn):
        above = None if column.above is None else 10 ** len(str(ledger.rows)) - 1
        note(f"column {column.name!r} holds identifiers or free text: made anew")
        return IdentifierColumn(name=column.name, dtype=column.dtype, above=above)
    return _category(column, series, policy, ledger, note)


# --- categories -----------------------------------------------------------------------------------


def _category(column: Any, series: Any, policy: Policy, ledger: Ledger, note: Note) -> Column:
    pd = pandas()
    counts = pd.Series(labelled(series)).value_counts(dropna=False)
    labels = [None if _gone(value) else value for value in counts.index]
    noisy = ledger.known(counts.to_numpy(np.float64), column.name, "values")
    kept = [
        (label, rows)
        for label, rows in zip(labels, noisy, strict=True)
        if rows > 0 and label is not None and len(str(label)) <= _LONG_TEXT
    ]
    kept = sorted(kept, key=lambda one: -one[1])[: policy.categories]
    missing = any(rows > 0 and label is None for label, rows in zip(labels, noisy, strict=True))
    if not kept:
        note(f"column {column.name!r} has no value of enough rows: placeholders are put out")
        return IdentifierColumn(name=column.name, dtype="object")
    note(f"column {column.name!r}: {len(kept)} values are known; any others are put out as these")
    ordered = isinstance(series.dtype, pd.CategoricalDtype)
    known = [label for label, _ in kept]
    return CategoryColumn(
        name=column.name,
        dtype="category" if ordered else str(series.dtype),
        ordered=bool(getattr(series.dtype, "ordered", False)),
        labels=tuple(known),
        rank=_rank(series, known) if ordered else (),
        counts=np.array([max(1, round(rows)) for _, rows in kept], np.int64),
        rare=True,  # whether there are others is nobody's business
        missing=missing,
    )


def _gone(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _rank(series: Any, labels: list[Any]) -> tuple[int, ...]:
    order = [label for label in labelled(pandas().Series(series.cat.categories)) if label in labels]
    return tuple(order.index(label) for label in labels)


# --- numbers --------------------------------------------------------------------------------------


def _number(
    column: NumberColumn, series: Any, policy: Policy, ledger: Ledger, note: Note
) -> Column:
    name, form = column.name, column.form
    plain = form.plain(series)
    values, exact = np.unique(plain, return_counts=True)  # what is missing comes last
    noisy = ledger.known(exact, name, "values")
    gone = np.isnan(values)
    missing, lost = bool((noisy[gone] > 0).any()), float(noisy[gone].sum())
    atoms, rows = _spikes(values[~gone], noisy[~gone], ledger.rows - lost, policy)
    rest = plain[~np.isnan(plain) & ~np.isin(plain, atoms)]
    edges, mass = _leaves(rest, form, ledger, name)
    left = float(mass.sum())
    if not len(atoms) and not left:
        note(f"column {name!r} has too few rows to be known: left empty")
        return ConstantColumn(name=name, dtype=str(series.dtype), value=None)
    worth = max(1, int(left // (WORTH * ledger.noise)))
    cells = min(policy.cells, worth) if left else 0
    told = f"{len(atoms)} values of column {name!r} are known"
    note(f"{told}, others by {len(mass)} parts of their range")
    middles = np.concatenate((atoms, (edges[1:] + edges[:-1]) / 2 if left else edges[:0]))
    weights = np.concatenate((rows, mass)) if left else rows
    mean = float(np.average(middles, weights=weights))
    scale = float(np.sqrt(np.average((middles - mean) ** 2, weights=weights)))
    return NumberColumn(
        name=name,
        form=form,
        missing=missing,
        atoms=atoms,
        quantiles=_quantiles(edges, mass, cells) if left else None,
        cells=cells,
        fine=0,
        mean=mean,
        scale=scale or 1.0,
        rows=np.append(np.rint(rows), round(left)).astype(np.int64),
    )


def _spikes(
    values: np.ndarray, noisy: np.ndarray, present: float, policy: Policy
) -> tuple[np.ndarray, np.ndarray]:
    """Values with an id each and their rows: all known ones of a column of few, else those that
    would make the better part of a cell."""
    known = noisy > 0
    if known.sum() > policy.distinct or noisy[known].sum() < _MOSTLY * present:
        known &= noisy >= present / (2 * policy.cells)
    if known.sum() > policy.distinct:
        known &= noisy >= np.sort(noisy[known])[-policy.distinct]
    return values[known], noisy[known]


def _leaves(
    rest: np.ndarray, form: NumberForm, ledger: Ledger, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Edges [M + 1] and rows [M] of parts of the range: first by powers of two, which anybody could
    have thought of; those of many rows are then divided evenly."""
    step = 10.0**-form.decimals if form.decimals is not None else 0.0
    step = 1.0 if form.sort != "number" else step  # dates count whole steps
    shifted = rest + step / 2  # so that what is rounded stays in its part
    keys, exact = np.unique(_bucket(shifted), return_counts=True)
    noisy = ledger.known(exact, name, "range")
    low, high = _bounds_of(keys[noisy > 0])
    mass = noisy[noisy > 0]
    order = np.argsort(low)
    low, high, mass = low[order], high[order], mass[order]
    for turn in range(ROUNDS):
        low, high, mass = _divided(shifted, low, high, mass, step, ledger, name, turn)
    kept = np.flatnonzero(mass > 3 * ledger.noise)
    if not len(kept):
        return np.zeros(0), np.zeros(0)
    some = slice(kept[0], kept[-1] + 1)
    low, high = low[some] - step / 2, high[some] - step / 2
    return _joined(low, high, np.maximum(mass[some], 0.0))


def _bucket(x: np.ndarray) -> np.ndarray:
    """int64 [N], one number for a sign, an exponent and a quarter of the doubling."""
    fraction, exponent = np.frexp(np.abs(x))
    part = ((2 * fraction - 1) * QUARTERS).astype(np.int64)
    key = (np.maximum(exponent, -40).astype(np.int64) + 64) * QUARTERS + part
    return np.where(np.abs(x) < 2.0**-41, 0, np.where(x < 0, -key, key))


def _bounds_of(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where such a bucket begins and ends."""
    place = np.abs(key)
    exponent, part = place // QUARTERS - 64, place % QUARTERS
    low = np.ldexp(1 + part / QUARTERS, exponent - 1)
    high = np.ldexp(1 + (part + 1) / QUARTERS, exponent - 1)
    tiny = 2.0**-41
    low, high = np.where(key == 0, -tiny, low), np.where(key == 0, tiny, high)
    return np.where(key < 0, -high, low), np.where(key < 0, -low, high)


def _divided(
    x: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    mass: np.ndarray,
    step: float,
    ledger: Ledger,
    name: str,
    turn: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The leaves, those of many rows in equal parts, counted anew."""
    parts = np.clip(mass // (WORTH * ledger.noise), 1, PARTS).astype(np.int64)
    if step:
        parts = np.minimum(parts, np.maximum(1, np.floor((high - low) / step))).astype(np.int64)
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(low, high, parts, strict=True)]
    edges = [_written(one, step) for one in edges] if step else edges
    starts = np.concatenate([one[:-1] for one in edges]) if edges else np.zeros(0)
    ends = np.concatenate([one[1:] for one in edges]) if edges else np.zeros(0)
    exact = _held(x, starts, ends)
    return starts, ends, ledger.counts(exact, name, "parts", turn)


def _written(edges: np.ndarray, step: float) -> np.ndarray:
    """Inner edges where a written number can lie; the outer ones stay, so that no row is in two."""
    inner = np.clip(np.rint(edges[1:-1] / step) * step, edges[0], edges[-1])
    return np.unique(np.concatenate((edges[:1], inner, edges[-1:])))


def _held(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """int64 [M], how many of x lie in [low, high) of leaves that part the line, in order."""
    x = np.sort(x)
    return np.searchsorted(x, high, "left") - np.searchsorted(x, low, "left")


def _joined(low: np.ndarray, high: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One run of edges; gaps between leaves are leaves without rows."""
    edges, rows = [low[0]], []
    for a, b, m in zip(low, high, mass, strict=True):
        if a > edges[-1]:
            edges.append(a)
            rows.append(0.0)
        edges.append(b)
        rows.append(m)
    return np.array(edges), np.array(rows)


def _quantiles(edges: np.ndarray, mass: np.ndarray, cells: int) -> Quantiles:
    """Knots at equal steps of the share, the rows of a leaf spread evenly over it."""
    share = np.concatenate(([0.0], np.cumsum(mass))) / mass.sum()
    return Quantiles(np.interp(np.arange(cells + 1) / cells, share, edges))
