"""What comes nearest to a condition that nothing meets, in words for an error.

Knows columns, conditions and what constraints leave; decides nothing.
Shape legend: N rows, V values that a column can take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genloom.codec.table.columns import CategoryColumn, Column
from genloom.codec.table.constraint_masks import Impossible, Masks
from genloom.codec.table.number_column import NumberColumn, between
from genloom.codec.table.number_form import NumberForm
from genloom.codec.where import Both, Compare, Node, evaluate, leaves, names

SHOWN = 5


def value_hint(column: Column, node: Node) -> str:
    """The value of one column that misses the comparisons with it by least, or ""."""
    found = [leaf for leaf in leaves(node) if leaf.column == column.name]
    asked = [leaf for leaf in found if isinstance(leaf, Compare)]
    if not isinstance(column, NumberColumn) or len(asked) < len(found):
        return ""
    low, high = column.intervals()
    values = np.unique(np.concatenate((low, high)))
    values = values[~np.isnan(values)]
    missed = np.zeros(len(values))
    for leaf in asked:
        missed += _missed(leaf, column.form, values)
    return f"; the nearest possible is {column.form.show(float(values[missed.argmin()]))}"


def _missed(leaf: Compare, form: NumberForm, values: np.ndarray) -> np.ndarray:
    """float64 [N]: how far plain values are from a comparison, 0 where it is met, 2 where missing,
    else from 1."""
    met = between(leaf.column, form, values, values, leaf)
    far = np.abs(values - form.literal(leaf.column, leaf.value))
    far = far / max(float(np.nanmean(far)) if np.isfinite(far).any() else 1.0, 1e-30)
    return np.where(np.isnan(values), 2.0, np.where(met, 0.0, 1.0 + far / (1.0 + far)))


def combined_hint(
    asked: Mapping[str, Column],
    masks: Mapping[str, np.ndarray],
    places: Mapping[str, int],
    rules: Masks,
) -> str:
    """Where a constraint leaves nothing: what one column could be beside the rest, or ""."""
    for free in masks:
        rest = {places[name]: mask for name, mask in masks.items() if name != free}
        try:
            left = rules.narrowed(rest)
        except Impossible:
            continue
        if places[free] in left and rest:
            return f"; beside the rest, {free} can be {_shown(asked[free], left[places[free]])}"
    return ""


def _shown(column: Column, mask: np.ndarray) -> str:
    ids = np.flatnonzero(mask)
    if isinstance(column, CategoryColumn):
        return names([column.labels[i] for i in ids if i < len(column.labels)], SHOWN)
    assert isinstance(column, NumberColumn)
    low, high = (end[ids] for end in column.intervals())
    return f"{column.form.show(np.nanmin(low))} to {column.form.show(np.nanmax(high))}"


def nearest_row(columns: Sequence[Column], frame: Any, node: Node) -> tuple[float, str]:
    """(by how much it misses, what it holds) of the row that comes nearest to a condition."""
    known = {column.name: column for column in columns}
    parts = node.parts if isinstance(node, Both) else (node,)
    missed = np.zeros(len(frame))
    for part in parts:
        form = getattr(known[leaves(part)[0].column], "form", None)
        if isinstance(part, Compare) and form is not None:
            missed += _missed(part, form, form.plain(frame[part.column]))
        else:
            holds = evaluate(part, lambda leaf: known[leaf.column].holds(frame[leaf.column], leaf))
            missed += ~holds
    best = int(missed.argmin())
    told = dict.fromkeys(leaf.column for leaf in leaves(node))
    words = ", ".join(f"{name} = {frame[name].iloc[best]}" for name in list(told)[:SHOWN])
    return float(missed[best]), words
