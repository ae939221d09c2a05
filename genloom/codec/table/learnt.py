"""All columns of a table, learnt: each by what is said of it, by what a constraint makes of it, or
by what it looks like.

Knows which constraint decides over which column; how a column learns is in `detect`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from genloom.codec.table.columns import CategoryColumn, Column, ConstantColumn
from genloom.codec.table.computed_column import computed
from genloom.codec.table.constraint import Constraint, Fixed, Formula, Key
from genloom.codec.table.constraint_values import check_columns
from genloom.codec.table.dataframes import pandas
from genloom.codec.table.detect import Policy, learn_as, learn_column
from genloom.codec.table.identifier_column import IdentifierColumn
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.text_column import TextColumn
from genloom.codec.where import names
from genloom.errors import DataError

LOOKED, COMPARED = 20_000, 60  # rows and columns among which pairs are looked for
FEWEST = 3  # values of a column that can tell another one
REPEATED = 2  # times that its values come, at the least


def learn_columns(
    frame: Any,
    policy: Policy,
    constraints: Sequence[Constraint],
    kinds: Mapping[str, str],
    notes: list[str],
) -> list[Column]:
    """In the order of the table. notes: what there is to say is added."""
    have = list(frame.columns)
    check_columns(constraints, have)
    strange = [name for name in kinds if name not in have]
    if strange:
        raise DataError(
            f"codec.kinds speaks of {names(strange)}, and the table has {names(have)}: leave it out"
        )
    formulas = {c.column: c.formula for c in constraints if isinstance(c, Formula)}
    keys = {c.column: c for c in constraints if isinstance(c, Key)}
    combined = {name for c in constraints if isinstance(c, Fixed) for name in c.columns}
    columns: list[Column] = []
    for name in have:
        said: list[str] = []
        series = frame[name]
        if name in keys:
            columns.append(_key(keys[name], series, policy))
        elif name in formulas:
            learnt = _one(name, series, policy, kinds, [])
            columns.append(computed(name, formulas[name], series, learnt))
        else:
            column = _one(name, series, policy, kinds, said)
            if name in combined and not _discrete(column):
                said = []
                column = learn_as("category", name, series, policy, said.append)
            columns.append(column)
        notes += [f"column {name!r} {text}" for text in said]
    notes += leaks(columns, frame)
    return columns


def leaks(columns: Sequence[Column], frame: Any) -> list[str]:
    """Notes on pairs of columns that tell each other entirely, value for value or by rank."""
    part = frame if len(frame) <= LOOKED else frame.sample(LOOKED, random_state=0)
    codes: dict[str, np.ndarray] = {}
    told = [c for c in columns if c.sizes and not isinstance(c, TextColumn)]
    for column in told[:COMPARED]:
        if isinstance(column, NumberColumn):
            plain = column.form.plain(part[column.name])
            codes[column.name] = np.unique(np.nan_to_num(plain, nan=np.inf), return_inverse=True)[1]
        else:
            ids = column.encode(part[column.name])[:, 0]
            codes[column.name] = np.unique(ids, return_inverse=True)[1]
    counts = {name: int(code.max()) + 1 for name, code in codes.items() if len(code)}
    said = []
    for one, other in itertools.combinations(counts, 2):
        if counts[one] != counts[other] or counts[one] < FEWEST:
            continue
        pairs = np.unique(codes[one].astype(np.int64) * counts[other] + codes[other])
        if len(pairs) == counts[one] and _means(codes[one], codes[other], counts[one]):
            said.append(
                f"columns {one!r} and {other!r} tell each other entirely: where one is to be "
                "foretold, the other leaks it"
            )
    return said


def _means(one: np.ndarray, other: np.ndarray, count: int) -> bool:
    """Whether a pairing of values is no accident: they repeat, or rise or fall together."""
    if len(one) >= REPEATED * count:
        return True
    return len(one) > FEWEST and bool(abs(np.corrcoef(one, other)[0, 1]) > 0.9999)


def _one(
    name: str, series: Any, policy: Policy, kinds: Mapping[str, str], said: list[str]
) -> Column:
    if name in kinds:
        return learn_as(kinds[name], name, series, policy, said.append)
    return learn_column(name, series, policy, said.append)


def _discrete(column: Column) -> bool:
    if isinstance(column, NumberColumn):
        return column.discrete
    return isinstance(column, CategoryColumn | ConstantColumn)


def _key(key: Key, series: Any, policy: Policy) -> Column:
    if not series.notna().any() and not key.pattern:
        raise DataError(f"constraint '{key.told()}': the column is empty: give a pattern")
    if not key.pattern:
        return learn_as("identifier", key.column, series, policy, lambda text: None)
    api = pandas().api.types
    if api.is_numeric_dtype(series.dtype) and not set("".join(key.shape)) <= set("0123456789"):
        raise DataError(
            f"constraint '{key.told()}': the column holds numbers, and the pattern makes texts"
        )
    made = IdentifierColumn(name=key.column, dtype=str(series.dtype), shape=key.shape)
    return replace(made, dtype="object") if made.dtype == "category" else made
