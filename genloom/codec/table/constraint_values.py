"""Constraints on the values of rows: what the data says to them, and finished rows that meet them.

Values are put in order inside the intervals that their ids stand for, so that nothing has to be
drawn again; what masks and intervals cannot settle, `holds` tells. Knows columns and frames.
Shape legend: N rows, M combinations, K columns of one.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.codec.table.columns import CategoryColumn, Column, ConstantColumn, fraction
from genloom.codec.table.computed_column import ComputedColumn
from genloom.codec.table.constraint import (
    Constraint,
    Fixed,
    Formula,
    Inequality,
    Key,
    Unique,
    closure,
    order,
)
from genloom.codec.table.constraint_masks import Impossible, Masks, Ranges
from genloom.codec.table.dataframes import pandas
from genloom.codec.table.identifier_column import IdentifierColumn
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.number_form import NumberForm
from genloom.codec.where import names
from genloom.errors import DataError

Values = tuple[np.ndarray, np.ndarray, np.ndarray]  # plain float64 [N], and the interval it is from


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Constraints beside the columns they are about. combinations: of each fixed one, int64 [M, K]
    of ids of first positions counted from 0 (0 of a column of one value)."""

    constraints: tuple[Constraint, ...]
    combinations: tuple[np.ndarray, ...]
    columns: Mapping[str, Column]

    def of(self, kind: type) -> list[Any]:
        return [c for c in self.constraints if isinstance(c, kind)]

    def masks(self, places: Mapping[str, int], ranges: Ranges) -> Masks | None:
        """For who draws ids. DataError where no row at all can meet them together."""
        fixed = list(zip(self.of(Fixed), self.combinations, strict=True))
        inequalities = [c for c in self.of(Inequality) if self._drawn(c)]
        if not fixed and not inequalities:
            return None
        try:
            return Masks(list(self.columns.values()), places, ranges, inequalities, fixed)
        except Impossible as error:
            raise DataError(
                f"no row can meet the constraint '{error}' with the values that the data has, or "
                "not together with the others: leave it out"
            ) from None

    def _drawn(self, one: Inequality) -> bool:
        """Whether ids can say something of it."""
        return not any(isinstance(self.columns[name], ComputedColumn) for name in one.columns)

    # --- finished rows

    @property
    def compared(self) -> frozenset[str]:
        """Columns whose values are put in order."""
        found = {name for c in self.of(Inequality) if self._drawn(c) for name in c.columns}
        return frozenset(n for n in found if isinstance(self.columns[n], NumberColumn))

    def ordered(self, values: Mapping[str, Values], noise: np.ndarray) -> dict[str, np.ndarray]:
        """Plain values [N] that meet the inequalities, each inside the interval of its id where
        that is possible at all. noise: uint64 [N]."""
        pairs = self._edges(values)
        going = _upwards(list(values), pairs)
        above = {name: high.copy() for name, (_, _, high) in values.items()}
        for name in reversed(going):
            for low, high, strict in pairs:
                if low == name:
                    most = self._grid(low, self._far(high, above), strict, down=True)
                    above[low] = np.fmin(above[low], most)
        out: dict[str, np.ndarray] = {}
        for name in going:
            plain, least, _ = values[name]
            floor = least.copy()
            for low, high, strict in pairs:
                if high == name:
                    floor = np.fmax(floor, self._grid(high, self._far(low, out), strict, False))
            out[name] = self._inside(name, plain, floor, above[name], noise)
        return out

    def _edges(self, values: Mapping[str, Values]) -> list[tuple[Any, Any, bool]]:
        """(low, high, strict) of all that is compared; a column of one value is a number."""

        def plain(end: Any) -> Any:
            column = self.columns.get(end) if isinstance(end, str) else None
            return float(column.value) if isinstance(column, ConstantColumn) else end  # type: ignore[arg-type]

        given = [c for c in self.of(Inequality) if self._drawn(c)]
        found = [(plain(c.low), plain(c.high), c.strict) for c in given]
        here = [all(e in values or isinstance(e, float) for e in pair[:2]) for pair in found]
        return [pair for pair, there in zip(found, here, strict=True) if there]

    def _far(self, end: Any, known: Mapping[str, np.ndarray]) -> np.ndarray | float:
        """The other end in common units."""
        return end if isinstance(end, float) else known[end] * self._form(end).unit

    def _form(self, name: str) -> NumberForm:
        form: NumberForm = self.columns[name].form  # type: ignore[attr-defined]
        return form

    def _grid(self, name: str, far: np.ndarray | float, strict: bool, down: bool) -> np.ndarray:
        """The nearest value that the column can write at or (strict) beyond one of another."""
        form = self._form(name)
        plain = np.asarray(far, dtype=np.float64) / form.unit
        if form.decimals is None:
            return np.nextafter(plain, -np.inf if down else np.inf) if strict else plain
        grain = 10.0**-form.decimals
        near = np.round(plain / grain)
        near = np.where(np.abs(near * grain - plain) <= 1e-9 * np.abs(plain), near, np.nan)
        step = np.floor(plain / grain) if down else np.ceil(plain / grain)
        step = np.where(np.isnan(near), step, near - strict if down else near + strict)
        return np.round(step * grain, form.decimals)

    def _inside(
        self, name: str, plain: np.ndarray, low: np.ndarray, high: np.ndarray, noise: np.ndarray
    ) -> np.ndarray:
        outside = (plain < low) | (plain > high)
        room = np.maximum(high - low, 0.0)
        placed = self._form(name).tidy(low + fraction(noise, f"{name}, in order") * room)
        return np.where(outside, np.clip(placed, low, np.maximum(low, high)), plain)

    def computed(self, frame: Any) -> Any:
        """The frame with every formula's column written."""
        formulas = order(self.of(Formula))
        if formulas:
            frame = frame.copy()
        for formula in formulas:
            column = self.columns[formula.column]
            assert isinstance(column, ComputedColumn)
            made = column.series(column.compute(self.columns, frame))
            frame[formula.column] = getattr(made, "array", made)
        return frame

    def filled(self, frame: Any, made: Any, empty: Mapping[str, np.ndarray]) -> Any:
        """A frame whose gaps were filled from `made`, these moved inside their intervals to meet
        the inequalities with what was there, and gaps of formulas' columns computed."""
        values, none = {}, np.zeros(len(frame), bool)
        for name in sorted(self.compared & set(frame.columns)):
            column = self.columns[name]
            assert isinstance(column, NumberColumn)
            plain, gap = column.form.plain(frame[name]), empty.get(name, none)
            low, high = column.interval(column.encode(made[name]))
            values[name] = plain, np.where(gap, low, plain), np.where(gap, high, plain)
        noise = pandas().util.hash_pandas_object(made, index=False).to_numpy(np.uint64)
        for name, plain in self.ordered(values, noise).items():
            moved = empty.get(name, none) & (plain != values[name][0])
            if moved.any():
                frame.loc[moved, name] = np.asarray(self._form(name).series(plain[moved]))
        for formula in order(self.of(Formula)):
            column = self.columns[formula.column]
            if not set(formula.columns[1:]) <= set(frame.columns):
                continue
            assert isinstance(column, ComputedColumn)
            told = column.series(column.compute(self.columns, frame))
            if formula.column not in frame.columns:
                frame[formula.column] = getattr(told, "array", told)
                continue
            gap = frame[formula.column].isna().to_numpy()
            if gap.any():
                frame.loc[gap, formula.column] = np.asarray(told)[gap]
        return frame

    def holds(self, frame: Any) -> np.ndarray:
        """bool [N], which rows meet all constraints on rows."""
        met = np.ones(len(frame), bool)
        for one in self.of(Inequality):
            met &= ~self.unordered(one, frame)
        for one, rows in zip(self.of(Fixed), self.combinations, strict=True):
            met &= self._seen(one, rows, frame)
        return met

    def unordered(self, one: Inequality, frame: Any) -> np.ndarray:
        """bool [N], where an inequality is broken."""

        def plain(end: str | float) -> Any:
            if isinstance(end, float):
                return end
            column = self.columns[end]
            if isinstance(column, ConstantColumn):
                return float(column.value)  # type: ignore[arg-type]
            return self._form(end).plain(frame[end]) * self._form(end).unit

        low, high = plain(one.low), plain(one.high)
        return np.asarray(low >= high if one.strict else low > high)

    def _seen(self, one: Fixed, rows: np.ndarray, frame: Any) -> np.ndarray:
        mine = _first_ids([self.columns[name] for name in one.columns], frame)
        _, kind = np.unique(np.concatenate((rows, mine)), axis=0, return_inverse=True)
        kind = kind.ravel()
        return np.isin(kind[len(rows) :], kind[: len(rows)])

    # --- whole tables

    @property
    def distinct(self) -> list[Unique]:
        """What has to be compared across rows; columns made anew differ by themselves."""
        made = {n for n, c in self.columns.items() if isinstance(c, IdentifierColumn)}
        return [one for one in self.of(Unique) if not set(one.columns) & made]

    @property
    def rooms(self) -> dict[str, int]:
        """Of what has to differ, how many there are, where all values have ids of their own."""
        found = {}
        for one in self.distinct:
            columns = [self.columns[name] for name in one.columns]
            if all(_discrete(column) for column in columns):
                fixed = zip(self.of(Fixed), self.combinations, strict=True)
                most = [len(rows) for c, rows in fixed if set(one.columns) <= set(c.columns)]
                found[one.told()] = min([math.prod(map(_values, columns)), *most])
        return found

    def codes(self, one: Unique, frame: Any) -> tuple[np.ndarray, np.ndarray]:
        """uint64 [N], equal where rows have equal values, and bool [N], where none is missing."""
        part = frame[list(one.columns)]
        hashed = pandas().util.hash_pandas_object(part.astype(str), index=False)
        return hashed.to_numpy(np.uint64), part.notna().all(axis=1).to_numpy()

    def told(self) -> list[str]:
        return [one.told() for one in self.constraints]


def check_columns(constraints: Sequence[Constraint], have: Sequence[str]) -> None:
    """DataError names the nearest to a column that is not there."""
    for one in constraints:
        for name in one.columns:
            if name not in have:
                near = difflib.get_close_matches(name, have, 3, 0.4)
                hint = f"nearest: {names(near)}" if near else f"columns: {names(list(have))}"
                raise DataError(f"constraint '{one.told()}': there is no column {name!r}; {hint}")


def learn(
    constraints: tuple[Constraint, ...],
    columns: Sequence[Column],
    frame: Any,
    rare: int,
    note: Callable[[str], None],
) -> Kept:
    """rare: a combination in fewer rows is not put out. What breaks a constraint is noted, with
    how many rows do; DataError where a constraint has no meaning for such columns."""
    known = {column.name: column for column in columns}
    kept = Kept(constraints=constraints, combinations=(), columns=known)
    _check_kinds(kept)
    combinations = []
    for one in constraints:
        broken = _broken(kept, one, frame)
        if broken:
            note(
                f"constraint '{one.told()}' is broken in {broken:,} of {len(frame):,} rows: what "
                "is made will meet it"
            )
        if isinstance(one, Fixed):
            combinations.append(_combinations(one, kept, frame, rare, note))
    return Kept(constraints=constraints, combinations=tuple(combinations), columns=known)


def _broken(kept: Kept, one: Constraint, frame: Any) -> int:
    if isinstance(one, Inequality):
        return int(kept.unordered(one, frame).sum())
    if isinstance(one, Formula):
        column = kept.columns[one.column]
        assert isinstance(column, ComputedColumn)
        return int(column.broken(kept.columns, frame).sum())
    if isinstance(one, Unique | Key):
        part = frame[list(one.columns)]
        gone = int(part.isna().any(axis=1).sum()) if isinstance(one, Key) else 0
        return gone + int(part.dropna().duplicated().sum())
    return 0


def _check_kinds(kept: Kept) -> None:
    for one in kept.of(Inequality):
        forms = set()
        for name in one.columns:
            column = kept.columns[name]
            plain = isinstance(column, ConstantColumn) and isinstance(column.value, int | float)
            form = getattr(column, "form", None)
            if form is None and not plain:
                raise DataError(
                    f"constraint '{one.told()}': column {name!r} holds {column.describe()}, "
                    "which have no order: numbers or dates are compared"
                )
            forms.add("numbers" if form is None else form.measures)
        if len(one.columns) == 1:
            forms.add("numbers")
        if len(forms) > 1:
            raise DataError(
                f"constraint '{one.told()}': {' and '.join(sorted(forms))} cannot be compared"
            )
    for one in kept.of(Fixed):
        for name in one.columns:
            column = kept.columns[name]
            fine = isinstance(column, CategoryColumn | ConstantColumn)
            if not (fine or (isinstance(column, NumberColumn) and column.discrete)):
                raise DataError(
                    f"constraint '{one.told()}': column {name!r} holds {column.describe()}: "
                    "combinations are of columns with repeated values"
                )


def _first_ids(columns: Sequence[Column], frame: Any) -> np.ndarray:
    """int64 [N, K] from 0; of a value that a column does not know, or pools, -1."""
    parts = []
    for column in columns:
        series = frame[column.name]
        if not column.sizes:
            parts.append(np.zeros(len(frame), np.int64))
            continue
        ids = column.encode(series)[:, 0].copy()
        if isinstance(column, CategoryColumn):
            ids[column.strange(series)] = -1
        parts.append(ids)
    return np.stack(parts, 1)


def _combinations(
    one: Fixed, kept: Kept, frame: Any, rare: int, note: Callable[[str], None]
) -> np.ndarray:
    ids = _first_ids([kept.columns[name] for name in one.columns], frame)
    rows, counts = np.unique(ids, axis=0, return_counts=True)
    common = (rows >= 0).all(1) & (counts >= min(rare, max(1, len(frame) // 100)))
    if not common.any():
        raise DataError(
            f"constraint '{one.told()}': none of {len(rows):,} combinations is in {rare} rows or "
            "more, and rarer ones are never put out: leave it out"
        )
    if not common.all():
        note(
            f"constraint '{one.told()}': {int((~common).sum()):,} of {len(rows):,} combinations "
            f"({int(counts[~common].sum()):,} rows) are too rare to be put out"
        )
    return rows[common]


def _upwards(names_: list[str], pairs: Sequence[tuple[Any, Any, bool]]) -> list[str]:
    """Columns from the lowest to the highest. Equal ones (a <= b <= a) come as they stand."""
    after = closure([Inequality(low=low, high=high, strict=s) for low, high, s in pairs])
    left, out = list(names_), []
    while left:
        free = [n for n in left if not any((m, n) in after and (n, m) not in after for m in left)]
        out.append((free or left)[0])
        left.remove(out[-1])
    return out


def _discrete(column: Column) -> bool:
    """Whether it has a known number of values, none of them a missing one."""
    if isinstance(column, NumberColumn):
        return column.discrete and not column.missing
    return isinstance(column, ConstantColumn) or (
        isinstance(column, CategoryColumn) and not column.missing
    )


def _values(column: Column) -> int:
    if isinstance(column, CategoryColumn):
        return len(column.labels)
    return len(column.atoms) if isinstance(column, NumberColumn) else 1
