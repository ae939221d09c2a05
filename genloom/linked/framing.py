"""The frames that the tables' models learn from: what a row is told of its owner, of the row before
it and of the rows it leads to, and what is its own.

Knows frames and plans; trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genloom.codec.table.dataframes import pandas
from genloom.codec.table.number_form import NumberForm
from genloom.linked.plan import (
    GAP,
    PARTS,
    START,
    before,
    count_name,
    of_parent,
    which,
)
from genloom.linked.schema import Schema, Table

MOST_SEEN = 24  # columns that children are told
LONG = 500  # children of one owner, on average, from which rows stand by themselves
LONGEST = 5000
_HOUR = 3_600.0
_ANCHORED = 0.99


def counts_of(frames: Mapping[str, Any], schema: Schema, name: str) -> dict[str, np.ndarray]:
    """Column of counts -> int64 [N], how many rows of each link lead to each row of a table."""
    pd = pandas()
    out = {}
    table = schema[name]
    for child, link in schema.children(name):
        held = frames[child.name][link.column].value_counts()
        keys = frames[name][table.key]
        found = pd.Index(held.index).get_indexer(keys)
        counts = np.append(held.to_numpy(np.int64), 0)[found]
        out[count_name(child.name, link.column)] = counts
    return out


def rows_of(series: Any, keys: Any) -> np.ndarray:
    """int64 [N], the place of each value among keys; -1 where it is none."""
    return np.asarray(pandas().Index(keys).get_indexer(series), dtype=np.int64)


def time_form(series: Any) -> NumberForm:
    """How moments are counted and written."""
    if series.dtype.kind == "M" or hasattr(series.dtype, "tz"):
        return NumberForm.of_dates(series)
    form = NumberForm.of_texts(series)
    assert form is not None  # told by `detecting.is_time`
    return form


def seconds(form: NumberForm, plain: np.ndarray) -> np.ndarray:
    """Counted times as seconds since 1970."""
    length = {"day": 86_400.0, "hour": 3_600.0, "minute": 60.0, "second": 1.0}
    return plain * length.get(
        form.step, {"millisecond": 1e-3, "microsecond": 1e-6}.get(form.step, 1e-9)
    )


def parts_of(form: NumberForm, plain: np.ndarray) -> dict[str, Any]:
    """Where in the year, the week and the day a time lies: categories."""
    pd = pandas()
    when = pd.to_datetime(pd.Series(seconds(form, np.nan_to_num(plain))), unit="s")
    month, weekday, hour = PARTS
    out = {month: when.dt.month, weekday: when.dt.day_of_week}
    if form.step != "day":
        out[hour] = when.dt.hour
    return {name: values.astype("int64") for name, values in out.items()}


def chained(frames: Mapping[str, Any], table: Table, parent_rows: int) -> bool:
    """Whether rows follow each other, or are so many of each owner that they stand alone."""
    if table.owner is None:
        return False
    held = frames[table.name][table.owner.column].value_counts()
    return bool(held.mean() <= LONG and held.iloc[0] <= LONGEST and parent_rows > 0)


def in_order(frame: Any, owner: np.ndarray, plain: np.ndarray | None) -> np.ndarray:
    """Places of the rows, those of an owner beside each other, by time and then as they lie."""
    lie = np.arange(len(frame))
    return np.lexsort((lie, owner) if plain is None else (lie, np.nan_to_num(plain), owner))


def ranks(owner: np.ndarray) -> np.ndarray:
    """int64 [N], the number of each row among its neighbours of the same owner."""
    fresh = np.r_[True, owner[1:] != owner[:-1]] if len(owner) else np.zeros(0, bool)
    at = np.arange(len(owner))
    return at - np.maximum.accumulate(np.where(fresh, at, 0))


def lagged(frame: Any, rank: np.ndarray, columns: Any) -> dict[str, Any]:
    """The columns of the row before; missing in an owner's first row."""
    pd = pandas()
    place = np.where(rank > 0, np.arange(len(frame)) - 1, -1)
    out = {}
    for name in columns:
        series = frame[name]
        taken = series.iloc[np.maximum(place, 0)].reset_index(drop=True)
        if not isinstance(taken.dtype, pd.CategoricalDtype) and taken.dtype.kind in "biu":
            taken = taken.astype("Int64" if taken.dtype.kind != "b" else "boolean")
        out[before(name)] = taken.mask(place < 0)
    return out


def times(
    plain: np.ndarray, rank: np.ndarray, anchor: np.ndarray | None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The columns of when a row is, and float [N], the time before it."""
    first = rank == 0
    earlier = np.r_[np.nan, plain[:-1]] if len(plain) else plain
    earlier = np.where(first, np.nan if anchor is None else anchor, earlier)
    out = {GAP: plain - earlier}
    if anchor is None:
        out[START] = np.where(first, plain, np.nan)
    return out, earlier


def anchored(plain: np.ndarray, rank: np.ndarray, anchor: np.ndarray) -> bool:
    """Whether no first row comes before this date of its owner, nearly."""
    first = rank == 0
    return bool((plain[first] >= anchor[first]).mean() >= _ANCHORED)


def told_of(frame: Any, place: np.ndarray, column: str, seen: Any) -> dict[str, Any]:
    """The seen columns of a parent's rows, under the names of the child; missing at -1."""
    out = {}
    for name in seen:
        taken = frame[name].iloc[np.maximum(place, 0)].reset_index(drop=True)
        out[of_parent(column, name)] = taken.mask(place < 0) if (place < 0).any() else taken
    return out


def groups_told(column: str, group: np.ndarray) -> dict[str, Any]:
    """The groups as a column of categories; missing at -1."""
    words = np.array([f"g{n}" for n in range(int(group.max(initial=0)) + 1)] + [None], dtype=object)
    return {which(column): pandas().Series(words[group], dtype="str")}


def group_numbers(series: Any) -> np.ndarray:
    """The inverse of `groups_told`."""
    there = series.notna().to_numpy()
    out = np.full(len(series), -1, np.int64)
    out[there] = [int(word[1:]) for word in series[there]]
    return out
