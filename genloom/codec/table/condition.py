"""Conditions on the columns of a table, as masks over ids: where a grammar meets what was learnt.

Knows that a mask of one position cannot see another, so masks allow a little too much (a cell that
lies partly inside a range, an `or` across columns); `matches` says which rows truly meet.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from genloom.codec.base import Condition
from genloom.codec.table.columns import Column
from genloom.codec.table.constraint_masks import Impossible, Masks
from genloom.codec.table.dataframes import pandas
from genloom.codec.table.date_column import DateColumn
from genloom.codec.table.nearest import combined_hint, value_hint
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.text_column import TextColumn
from genloom.codec.where import Both, Compare, Leaf, Node, equalities, evaluate, leaves, names
from genloom.errors import RequestError

Places = Mapping[str, int]  # column -> its first position
Ranges = Sequence[tuple[int, int]]
Ends = tuple[float, float]


def by_name(columns: Sequence[Column], node: Node) -> dict[str, Column]:
    """The columns that a condition speaks of. RequestError names the nearest to an unknown one."""
    known = {column.name: column for column in columns}
    folded: dict[str, list[str]] = {}
    for name in known:
        folded.setdefault(name.lower(), []).append(name)
    for leaf in leaves(node):
        if leaf.column not in known:
            near = folded.get(leaf.column.lower()) or difflib.get_close_matches(
                leaf.column, list(known), 3, 0.4
            )
            hint = f"nearest: {names(near)}" if near else f"columns: {names(list(known))}"
            raise RequestError(f"where: there is no column {leaf.column!r}; {hint}")
    return {leaf.column: known[leaf.column] for leaf in leaves(node)}


def matches(columns: Sequence[Column], frame: Any, node: Node) -> np.ndarray:
    """bool [N], which rows of a frame meet the condition.

    A column that the condition fixes to a value without an id of its own counts as met: `settle`
    writes that value.
    """
    known = by_name(columns, node)
    free = _settled(known, node)

    def leaf_holds(leaf: Leaf) -> np.ndarray:
        if leaf.column in free:
            return np.full(len(frame), bool(_meets(known[leaf.column], leaf, free)))
        return known[leaf.column].holds(frame[leaf.column], leaf)

    return evaluate(node, leaf_holds)


def settle(columns: Sequence[Column], frame: Any, node: Node) -> Any:
    """The frame with every value written in that the condition fixes and no id stands for."""
    known = by_name(columns, node)
    fixed = _settled(known, node)
    if not fixed:
        return frame
    frame = frame.copy()
    for name, plain in fixed.items():
        column = known[name]
        if isinstance(column, TextColumn):
            frame[name] = pandas().Series([plain] * len(frame), dtype=column.dtype).to_numpy()
            continue
        assert isinstance(column, NumberColumn)
        series = column.form.series(np.full(len(frame), plain))
        frame[name] = series.to_numpy() if hasattr(series, "to_numpy") else series
    return frame


def _settled(known: Mapping[str, Column], node: Node) -> dict[str, Any]:
    """Column -> plain value, for top-level equalities on numbers that have no id of their own, and
    texts that ids do not say entirely."""
    out: dict[str, Any] = {}
    for name, value in equalities(node).items():
        column = known[name]
        if isinstance(column, NumberColumn):
            plain = column.form.literal(name, value)
            if not column.owns(plain):
                out[name] = plain
        elif isinstance(column, TextColumn) and isinstance(value, str) and not column.owns(value):
            out[name] = value
    return out


def _meets(column: Column, leaf: Leaf, free: Mapping[str, Any]) -> bool:
    if isinstance(column, TextColumn):
        pd = pandas()
        return bool(column.holds(pd.Series([free[column.name]], dtype=object), leaf)[0])
    assert isinstance(column, NumberColumn)
    return column.meets(free[column.name], leaf)


def condition(
    columns: Sequence[Column], places: Places, ranges: Ranges, node: Node, rules: Masks | None
) -> Condition:
    """Ids that are fixed and masks of those allowed. rules: what else rows have to meet.
    RequestError where no row can."""
    known = torch.full((len(ranges),), -1, dtype=torch.long)
    allowed: dict[int, torch.Tensor] = {}
    asked = by_name(columns, node)
    firsts: dict[str, np.ndarray] = {}
    for name, column in asked.items():
        firsts[name] = _mask(name, len(_possible(column, node)), node, column.may_hold)
        if not firsts[name].any():
            raise RequestError(
                f"where: no value of column {name!r} can meet the condition; it holds "
                f"{column.describe()}{value_hint(column, node)}"
            )
    texts = [name for name, column in asked.items() if isinstance(column, TextColumn)]
    drawn = {n: mask for n, mask in firsts.items() if asked[n].sizes and n not in texts}
    if rules is not None:
        drawn = _narrowed(asked, drawn, places, rules, _bounds(asked, node))
    fixed = equalities(node)
    for name in texts:
        column, start, mask = asked[name], places[name], firsts[name]
        assert isinstance(column, TextColumn)
        if name in fixed:
            ids = column.ids_of([str(fixed[name])])[0]
            lows = [low for low, _ in ranges[start : start + column.places]]
            known[start : start + column.places] = torch.tensor(lows) + torch.from_numpy(ids)
        elif not mask.all():
            allowed[start] = torch.from_numpy(mask)
    for name, first in drawn.items():
        masks = _masks(asked[name], node, first)
        whole = len(masks) == len(asked[name].sizes)
        for place, mask in enumerate(masks, places[name]):
            if whole and all(part.sum() == 1 for part in masks):
                known[place] = ranges[place][0] + int(mask.argmax())
            elif not mask.all():
                allowed[place] = torch.from_numpy(mask)
    return Condition(known=known if (known >= 0).any() else None, allowed=allowed, rules=rules)


def _narrowed(
    asked: Mapping[str, Column],
    drawn: dict[str, np.ndarray],
    places: Places,
    rules: Masks,
    bounds: dict[str, Ends],
) -> dict[str, np.ndarray]:
    """What the constraints leave of the columns that a condition speaks of."""
    try:
        left = rules.narrowed({places[name]: mask for name, mask in drawn.items()}, bounds)
    except Impossible as error:
        raise RequestError(
            f"where: no row can meet the condition and the constraint '{error}' at once"
            f"{combined_hint(asked, drawn, places, rules)}"
        ) from None
    return {name: left[places[name]] for name in drawn}


def _bounds(asked: Mapping[str, Column], node: Node) -> dict[str, Ends]:
    """Between which values the whole condition leaves a column of numbers or dates, in units that
    columns have in common."""
    found: dict[str, Ends] = {}
    for part in node.parts if isinstance(node, Both) else (node,):
        if not isinstance(part, Compare) or part.op == "!=":
            continue
        column = asked[part.column]
        if not isinstance(column, NumberColumn):
            continue
        form = column.form
        value = form.literal(part.column, part.value)
        grain = 0.0 if form.decimals is None else 10.0**-form.decimals
        low, high = found.get(part.column, (-np.inf, np.inf))
        if part.op in (">", ">=", "="):
            low = max(low, (value + grain * (part.op == ">")) * form.unit)
        if part.op in ("<", "<=", "="):
            high = min(high, (value - grain * (part.op == "<")) * form.unit)
        found[part.column] = low, high
    return found


def _possible(column: Column, node: Node) -> np.ndarray:
    """The mask of the column's first comparison; on the way, the types of all are checked."""
    found = [column.may_hold(leaf) for leaf in leaves(node) if leaf.column == column.name]
    return found[0]


def _mask(name: str, size: int, node: Node, may: Callable[[Leaf], np.ndarray]) -> np.ndarray:
    """bool [size] over one column's ids; comparisons of other columns may always hold."""
    return evaluate(node, lambda leaf: may(leaf) if leaf.column == name else np.ones(size, bool))


def _masks(column: Column, node: Node, first: np.ndarray) -> list[np.ndarray]:
    """The masks of all positions of a column."""
    masks = [first]
    if isinstance(column, NumberColumn) and column.fine:
        masks.append(_within(column, node, np.flatnonzero(first)))
    if isinstance(column, DateColumn):
        masks += _turns(column, node, masks)
    return masks


def _turns(column: DateColumn, node: Node, masks: list[np.ndarray]) -> list[np.ndarray]:
    """Masks of the day and the hour, where one week, or no date at all, is left."""
    if any(mask.sum() > 1 for mask in masks):
        return []
    ids = tuple(int(mask.argmax()) for mask in masks)
    if column.missing and ids[0] == 0:
        return [np.arange(size) == size - 1 for size in column.sizes[len(masks) :]]
    return column.turns(ids, lambda says, size: _mask(column.name, size, node, says))


def _within(column: NumberColumn, node: Node, ids: np.ndarray) -> np.ndarray:
    """bool [second size]: exact where one first id is left, else what any of them may take."""
    any_of = np.logical_or.reduce([column.takes_within(int(first)) for first in ids])
    if len(ids) > 1:
        return any_of
    inside = _mask(
        column.name,
        column.sizes[1],
        node,
        lambda leaf: column.may_hold_within(int(ids[0]), leaf),
    )
    return inside if inside.any() else any_of
