"""A column of dates as ids: the week as numbers have it, then the day of the week, then the hour.

Cells of a time line do not know Sundays and nights; a week has all of them once, so what hangs on
them is learnt as such. What is left below an hour follows its own distribution and a hash of the
row. Knows no other column. Shape legend: N rows, P positions of the column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from genloom.codec.table.columns import Arrays, fraction
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.number_form import NumberForm
from genloom.codec.table.quantiles import Quantiles
from genloom.codec.where import Leaf, Missing

HOUR = 3_600_000_000_000  # nanoseconds
DAY, WEEK = 24 * HOUR, 168 * HOUR
MONDAY = 3 * DAY  # by which the first Monday's week begins before 1970
FEWEST_WEEKS = 8
FEW = 0.05  # share of the rows that may be in rare weeks
MOST_BELOW = 512  # steps of what is below an hour


@dataclass(frozen=True, kw_only=True)
class DateColumn(NumberColumn):
    """As a column of numbers whose values are weeks since 1970, with a position for the day and,
    where times are told, one for the hour. below: of what is left, in units of the form. ends:
    nothing comes out beyond, plain."""

    kind: ClassVar[str] = "date"
    ends: tuple[float, float]
    below: Quantiles | None = None

    @classmethod
    def of(cls, plain_column: NumberColumn, plain: np.ndarray, **options: Any) -> DateColumn | None:
        """The same column by weeks, of plain float64 [N]; None where it spans too few. options:
        those of `NumberColumn.learn`."""
        form = plain_column.form
        present = plain[~np.isnan(plain)]
        week, _, _, left = _parts(form, plain)
        if len(np.unique(week[~np.isnan(week)])) < FEWEST_WEEKS:
            return None
        week = _among_common(week, options["distinct"], options["rare"])
        inner = NumberColumn.learn(plain_column.name, form, week, **options)
        timed = form.unit < HOUR
        rest = np.sort(left[~np.isnan(left)])
        learnt = {one.name: getattr(inner, one.name) for one in fields(NumberColumn)}
        learnt |= {"mean": float(present.mean()), "scale": float(present.std()) or 1.0}
        below = Quantiles.learn(rest, most=MOST_BELOW, crowd=options["rare"]) if timed else None
        return cls(**learnt, ends=plain_column.bounds(), below=below)

    @property
    def sizes(self) -> tuple[int, ...]:
        """One more id of days and hours for a missing value."""
        days, hours = 7 + self.missing, 24 + self.missing
        return (*super().sizes, days, *((hours,) if self._timed else ()))

    @property
    def _timed(self) -> bool:
        return self.form.unit < DAY

    @property
    def _first(self) -> int:
        """Positions of the week."""
        return 2 if self.fine else 1

    @property
    def discrete(self) -> bool:
        return False

    # --- ids ------------------------------------------------------------------------------------

    def encode_plain(self, plain: np.ndarray) -> np.ndarray:
        gone = np.isnan(plain)
        week, day, hour, _ = _parts(self.form, np.where(gone, self.mean, plain))
        ids = super().encode_plain(np.where(gone & self.missing, np.nan, week))
        turns = np.stack((day, hour)[: 1 + self._timed], 1).astype(np.int64)
        turns = np.where((gone & self.missing)[:, None], (7, 24)[: 1 + self._timed], turns)
        return np.concatenate((ids, turns), 1)

    def decode_plain(self, ids: np.ndarray, noise: np.ndarray) -> np.ndarray:
        week = super().decode_plain(ids[:, : self._first], noise)
        turns = ids[:, self._first :]
        day = np.where(turns[:, 0] < 7, turns[:, 0], fraction(noise, f"{self.name}, day") * 7 // 1)
        out = week * WEEK + day * DAY - MONDAY
        if self._timed:
            some = fraction(noise, f"{self.name}, hour") * 24 // 1
            out = out + np.where(turns[:, 1] < 24, turns[:, 1], some) * HOUR
        plain = out / self.form.unit
        if self.below is not None:
            left = self.below.value(fraction(noise, f"{self.name}, below"))
            plain = plain + np.clip(np.rint(left), 0, HOUR / self.form.unit - 1)
        return np.clip(plain, *self.ends)

    # --- what ids stand for ---------------------------------------------------------------------

    def intervals(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = _weeks(self).intervals()
        return self._begin(low), self._end(high)

    def intervals_within(self) -> tuple[np.ndarray, np.ndarray]:
        """Of both positions of the week."""
        weeks = _weeks(self)
        low, high = weeks.intervals_within()
        return self._begin(low), self._end(high)

    def _begin(self, week: np.ndarray) -> np.ndarray:
        return np.clip((week * WEEK - MONDAY) / self.form.unit, *self.ends)

    def _end(self, week: np.ndarray) -> np.ndarray:
        return np.clip(((week + 1) * WEEK - MONDAY) / self.form.unit - 1, *self.ends)

    def on_axis(self, values: np.ndarray) -> np.ndarray:
        middle = np.rint(values) * WEEK - MONDAY + 3 * DAY + DAY // 2
        return np.clip(middle // self.form.unit, *self.ends)

    def may_hold_within(self, first: int, leaf: Leaf) -> np.ndarray:
        out = np.zeros(super().sizes[1], bool)
        if first < self._first_cell:
            out[-1] = True
            return out
        if isinstance(leaf, Missing):
            out[: self.fine] = leaf.negated
            return out
        low, high = (end[first, : self.fine] for end in self.intervals_within())
        out[: self.fine] = self._between(low, high, leaf)
        return out

    def takes_within(self, first: int) -> np.ndarray:
        return _weeks(self).takes_within(first)

    def turns(
        self, week: tuple[int, ...], holds: Callable[[Callable[[Leaf], np.ndarray], int], Any]
    ) -> list[np.ndarray]:
        """Masks of the day and, if one day is left, of the hour, within one week, which is told by
        its ids. holds: (what a comparison says of `size` ids, size) -> bool [size]."""
        number = float(_weeks(self).interval(np.array([week]))[0][0])
        if number != float(_weeks(self).interval(np.array([week]))[1][0]):
            return []  # a cell of several
        low = (number * WEEK - MONDAY) / self.form.unit
        out = []
        for unit, size in ((DAY, 7), (HOUR, 24))[: 1 + self._timed]:
            begin = low + np.arange(size) * (unit / self.form.unit)
            end = begin + unit / self.form.unit - 1

            def says(leaf: Leaf, begin: np.ndarray = begin, end: np.ndarray = end) -> np.ndarray:
                if isinstance(leaf, Missing):
                    return np.full(len(begin), leaf.negated)
                return self._between(begin, end, leaf)

            mask = np.zeros(size + self.missing, bool)
            mask[:size] = holds(says, size)
            out.append(mask)
            if mask.sum() != 1:
                break
            low = float(begin[mask[:size]][0])
        return out if all(mask.any() for mask in out) else []

    def owns(self, value: float) -> bool:
        return False

    def bounds(self) -> tuple[float, float]:
        return self.ends

    # --- files ----------------------------------------------------------------------------------

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        values, arrays = super().to_json()
        values["ends"] = list(self.ends)
        return values, arrays | {"below": self.below.knots if self.below else np.zeros(0)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Arrays) -> DateColumn:
        known = dict(values)
        low, high = known.pop("ends")
        weeks = NumberColumn.from_json(known, arrays)
        learnt = {one.name: getattr(weeks, one.name) for one in fields(NumberColumn)}
        below = arrays["below"]
        rest = Quantiles(below) if len(below) else None
        return cls(**learnt, ends=(low, high), below=rest)


def _weeks(column: DateColumn) -> NumberColumn:
    """The column of numbers that its weeks are."""
    return NumberColumn(**{one.name: getattr(column, one.name) for one in fields(NumberColumn)})


def _among_common(week: np.ndarray, most: int, rare: int) -> np.ndarray:
    """The few rows of rare weeks moved to the nearest common one, where nearly all are in such."""
    there = ~np.isnan(week)
    values, counts = np.unique(week[there], return_counts=True)
    common = values[counts >= rare]
    if not 0 < len(common) <= most or counts[counts < rare].sum() > FEW * there.sum():
        return week
    nearest = np.abs(week[there][:, None] - common).argmin(1)
    out = week.copy()
    out[there] = common[nearest]
    return out


def _parts(form: NumberForm, plain: np.ndarray) -> tuple[np.ndarray, ...]:
    """float64 [N] each: the week since 1970, the day in it, the hour, and what is left in units of
    the form. NaN stays."""
    since = plain + MONDAY / form.unit
    week = np.floor(since / (WEEK / form.unit))
    left = since - week * (WEEK / form.unit)
    day = np.floor(left / (DAY / form.unit))
    left = left - day * (DAY / form.unit)
    hour = np.floor(left / (HOUR / form.unit))
    return week, day, hour, left - hour * (HOUR / form.unit)
