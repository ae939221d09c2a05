"""New rows for a model that is there: what its columns have ids for, and what is new to them.

Knows columns and frames; nothing is learnt here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genloom.codec.table.columns import CategoryColumn, Column
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.text_column import TextColumn
from genloom.codec.where import names
from genloom.errors import DataError


def welcomed(columns: Sequence[Column], frame: Any) -> tuple[Any, list[str]]:
    """(rows that can be learnt, notes). Values without an id count as rare ones where the column
    pools such, else their rows are left out; numbers beyond what is known count as the nearest.
    DataError where nothing is left."""
    gone = [c.name for c in columns if c.sizes and c.name not in frame.columns]
    if gone:
        raise DataError(f"the table lacks {names(gone)}, which the start knows: add these columns")
    known = {column.name for column in columns}
    said = [f"column {n!r} is new: it is not learnt" for n in frame.columns if n not in known]
    keep = np.ones(len(frame), bool)
    for column in columns:
        if isinstance(column, CategoryColumn):
            keep &= _categories(column, frame[column.name], said)
        elif isinstance(column, NumberColumn):
            keep &= _numbers(column, frame[column.name], said)
        elif isinstance(column, TextColumn):
            blank = frame[column.name].isna().to_numpy() & (not column.missing)
            _empty(column.name, blank, said)
            keep &= ~blank
    if not keep.any():
        raise DataError(
            f"none of {len(frame):,} rows has only values that the start knows ({said[0]}): train "
            "without --from"
        )
    if not keep.all():
        said.append(f"{int((~keep).sum()):,} of {len(frame):,} rows are left out for that")
    return frame[keep].reset_index(drop=True), said


def _categories(column: CategoryColumn, series: Any, said: list[str]) -> np.ndarray:
    """bool [N], which rows can be learnt."""
    strange = column.strange(series)
    blank = series.isna().to_numpy() & (not column.missing)
    if strange.any():
        new = list(dict.fromkeys(str(value) for value in series[strange]))
        what = "they count as rare" if column.rare else "their rows are left out"
        said.append(
            f"column {column.name!r} holds {names(new, 5)}, which the start does not know "
            f"({int(strange.sum()):,} rows): {what}"
        )
    _empty(column.name, blank, said)
    return ~blank if column.rare else ~blank & ~strange


def _numbers(column: NumberColumn, series: Any, said: list[str]) -> np.ndarray:
    plain = column.form.plain(series)
    low, high = column.bounds()
    with np.errstate(invalid="ignore"):
        beyond = (plain < low) | (plain > high)
    if beyond.any():
        said.append(
            f"column {column.name!r} has {int(beyond.sum()):,} values beyond {column.describe()}, "
            "which the start knows: they count as the nearest"
        )
    blank = np.isnan(plain) & (not column.missing)
    _empty(column.name, blank, said)
    return ~blank


def _empty(name: str, blank: np.ndarray, said: list[str]) -> None:
    if blank.any():
        said.append(
            f"column {name!r} is empty in {int(blank.sum()):,} rows, and was never before: they "
            "are left out"
        )
