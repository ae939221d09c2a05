"""Rows that are partly known: which cells say something, and what chances of ids mean as values.

Knows columns; not how what is missing is found. Shape legend: N rows, L positions of a row, V ids
of a column's first position, S values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genloom.codec.table.columns import CategoryColumn, Column, labelled
from genloom.codec.table.dataframes import as_frame, pandas
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.text_column import TextColumn
from genloom.errors import DataError, RequestError, UsageError
from genloom.spec import Rules

OPEN = -1
STEPS = 16  # values that stand for a cell of numbers


@dataclass(frozen=True)
class Partly:
    """known: long [N, L], OPEN where a cell says nothing. allowed: position -> bool [V], what may
    be drawn: anything but a missing value. empty: column -> bool [N]. rules: what ids
    leave each other."""

    known: Tensor
    allowed: dict[int, Tensor]
    empty: dict[str, np.ndarray]
    rules: Rules | None = None


def partly(codec: Any, items: Any, columns: Any = None) -> Partly:
    """Rows with gaps. A column that is not there at all is all gaps. columns: whose gaps are to be
    filled, by default all that the model can fill; the gaps of others count as what they are, a
    missing value, where the training data had such. UsageError for a column that it cannot."""
    frame = as_frame(items)
    places = {span.name: span for span in codec.spec.spans}
    learnt = {column.name: column for column in codec.columns if column.name in places}
    wanted = list(learnt) if columns is None else list(columns)
    for name in wanted:
        if name not in learnt:
            held = any(column.name == name for column in codec.columns)
            why = "nothing of it was learnt" if held else "the model has no such column"
            raise UsageError(f"column {name!r} cannot be filled, {why}: choose {', '.join(learnt)}")
    if not set(learnt) & set(frame.columns):
        told = ", ".join(map(str, frame.columns)) or "no columns"
        raise DataError(f"the rows have {told}; at least one of {', '.join(learnt)} is expected")
    known = torch.full((len(frame), codec.spec.length), OPEN, dtype=torch.long)
    allowed, empty = {}, {}
    for name, column in learnt.items():
        span, low = places[name], codec.spec.ranges[places[name].start][0]
        gone = np.ones(len(frame), bool)
        if name in frame.columns:
            series = frame[name]
            blank = series.isna().to_numpy()
            gone = blank if name in wanted else blank & (not missing(column))
            said = torch.from_numpy(column.encode(series))
            lows = torch.tensor([codec.spec.ranges[p][0] for p in range(span.start, span.stop)])
            at = torch.from_numpy(~(gone | unsure(column, series)))
            known[at, span.start : span.stop] = (said + lows)[at]
            empty[name] = blank
        else:
            empty[name] = gone
        if missing(column):
            high = codec.spec.ranges[span.start][1]
            mask = torch.ones(high - low, dtype=torch.bool)
            mask[_missing_id(column)] = False
            allowed[span.start] = mask
    return Partly(known, allowed, {name: empty[name] for name in wanted}, codec.rules)


def filled(items: Any, made: Any, empty: dict[str, np.ndarray]) -> Any:
    """A frame like the first, its gaps from the second; all else stays as it was."""
    frame = as_frame(items).copy()
    for name, gone in empty.items():
        if name not in frame.columns:
            frame[name] = np.asarray(made[name].astype(object)) if gone.any() else None
            frame[name] = frame[name].astype(made[name].dtype)
            continue
        if gone.any():
            series = frame[name]
            mixed = series.astype(object)
            mixed[gone] = made[name].astype(object).to_numpy()[gone]
            frame[name] = _typed(mixed, series.dtype, made[name].dtype)
    return frame


def _typed(mixed: Any, *dtypes: Any) -> Any:
    """As the first of these types that holds all of the values."""
    for dtype in dtypes:
        try:
            out = mixed.astype(dtype)
        except (TypeError, ValueError):
            continue
        if not out.isna().any():
            return out
    return mixed.infer_objects()


def missing(column: Column) -> bool:
    """Whether it has an id for a missing value."""
    return bool(getattr(column, "missing", False))


def _missing_id(column: Column) -> int:
    return 0 if isinstance(column, NumberColumn) else column.sizes[0] - 1


def unsure(column: Column, series: Any) -> np.ndarray:
    """bool [N], which values it has no id for: they say nothing that was learnt."""
    blank = series.isna().to_numpy()
    if isinstance(column, CategoryColumn):
        known = pandas().Index(list(column.labels), dtype=object)
        strange = np.asarray(known.get_indexer(labelled(series))) < 0
        return (blank & (not column.missing)) | (strange & ~blank & (not column.rare))
    return blank & (not missing(column))


# --- what chances mean ----------------------------------------------------------------------------


def target(codec: Any, name: str) -> tuple[Column, int]:
    """A column that can be foretold, and its first position. RequestError of any other."""
    places = {span.name: span.start for span in codec.spec.spans}
    for column in codec.columns:
        if column.name == name and name in places:
            if isinstance(column, TextColumn):
                raise RequestError(
                    f"column {name!r} holds texts, which are drawn and not foretold: use genloom "
                    "fill"
                )
            return column, places[name]
    raise RequestError(f"column {name!r} cannot be foretold: choose {', '.join(places)}")


def told(codec: Any, name: str, chances: np.ndarray, coverage: float) -> Any:
    """A frame of N rows from chances float [N, V] of the column's first position: `NAME`, what is
    foretold (the likeliest value; of numbers the mean), then for categories the probability of each
    value, `NAME=value`, and for numbers `NAME_median`, `NAME_low` and `NAME_high`, between which
    the true value is to lie with the chance `coverage`. A missing value is never foretold."""
    pd = pandas()
    column, _ = target(codec, name)
    if isinstance(column, CategoryColumn):
        share = chances[:, : len(column.labels)]
        share = share / np.maximum(share.sum(1, keepdims=True), 1e-30)
        best = [column.labels[place] for place in share.argmax(1)]
        labels = {f"{name}={label}": share[:, n] for n, label in enumerate(column.labels)}
        return pd.DataFrame({name: best, **labels})
    assert isinstance(column, NumberColumn)
    values, owner, part = support(column)
    mass = chances[:, owner] * part
    mass = mass / np.maximum(mass.sum(1, keepdims=True), 1e-30)
    below = np.cumsum(mass, 1)
    tail = (1 - coverage) / 2
    ends = {"median": 0.5, "low": tail, "high": 1 - tail}
    found = {
        f"{name}_{end}": column.form.series(values[np.argmax(below >= share - 1e-9, 1)])
        for end, share in ends.items()
    }
    mean = mass @ values
    first = mean if column.form.sort == "number" else column.form.series(mean)
    return pd.DataFrame({name: first, **found})


def support(column: NumberColumn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plain values [S] in order, the id of the first position that each belongs to, and its share
    of that id."""
    first = column.missing + len(column.atoms)
    values, owner = [column.on_axis(column.atoms)], [column.missing + np.arange(len(column.atoms))]
    parts = [np.ones(len(column.atoms))]
    if column.quantiles is not None and column.cells:
        share = (np.arange(column.cells * STEPS) + 0.5) / (column.cells * STEPS)
        values.append(column.on_axis(column.quantiles.value(share)))
        owner.append(first + np.repeat(np.arange(column.cells), STEPS))
        parts.append(np.full(column.cells * STEPS, 1 / STEPS))
    joined = np.concatenate(values)
    order = np.argsort(joined, kind="stable")
    return joined[order], np.concatenate(owner)[order], np.concatenate(parts)[order]
