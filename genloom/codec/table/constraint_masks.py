"""Constraints as masks over ids: what a position of a row may still hold, given what is drawn.

An inequality compares the intervals that ids stand for, combinations are looked up. A mask leaves
every id that can still be completed as far as pairs of columns tell; values inside the intervals
are put in order afterwards (`constraint_values`). Knows columns' ids, not how they are drawn.
Shape legend: B rows, L positions of a row, V ids of a position, M combinations, K columns of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genloom.codec.table.columns import Column, ConstantColumn
from genloom.codec.table.constraint import Fixed, Inequality, closure
from genloom.codec.table.number_column import NumberColumn

Ranges = Sequence[tuple[int, int]]
Allowed = Mapping[int, np.ndarray]  # position -> bool [V]


class Impossible(Exception):
    """Nothing is left; the text is the constraint."""


@dataclass(frozen=True)
class _End:
    """One side of an inequality. low, high float64 [V]: the values that each id of its first
    position stands for, NaN for a missing one; inside: the same [V, F] of the second, or None."""

    name: str
    place: int
    low: np.ndarray
    high: np.ndarray
    inside: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def of(cls, column: NumberColumn, place: int) -> _End:
        low, high = column.intervals()
        inside = column.intervals_within() if column.fine else None
        unit = column.form.unit
        if inside is not None:
            inside = inside[0] * unit, inside[1] * unit
        return cls(column.name, place, low * unit, high * unit, inside)


class Masks:
    """What the family asks while it draws (`spec.Rules`)."""

    def __init__(
        self,
        columns: Sequence[Column],
        places: Mapping[str, int],
        ranges: Ranges,
        inequalities: Sequence[Inequality],
        fixed: Sequence[tuple[Fixed, np.ndarray]],
    ) -> None:
        """fixed: with its combinations, int64 [M, K] of ids of first positions counted from 0."""
        self.ranges = ranges
        known = {column.name: column for column in columns}
        self.ends: dict[str, _End] = {}
        for one in inequalities:
            for name in one.columns:
                column = known[name]
                if isinstance(column, NumberColumn):
                    self.ends[name] = _End.of(column, places[name])
        self.bounds = _bounds(inequalities, known)
        self.pairs = [
            (low, high, strict)
            for (low, high), strict in closure(inequalities).items()
            if low in self.ends and high in self.ends and low != high
        ]
        self.fixed = [(c, [places.get(n) for n in c.columns], rows) for c, rows in fixed]
        self.given = list(inequalities)
        found = {place for _, at, _ in self.fixed for place in at if place is not None}
        for end in self.ends.values():
            found |= {end.place, end.place + 1} if end.inside is not None else {end.place}
        self.places = frozenset(found)
        self.static = self.narrowed({})

    # --- before anything is drawn

    def narrowed(
        self, allowed: Allowed, within: Mapping[str, tuple[float, float]] | None = None
    ) -> dict[int, np.ndarray]:
        """The masks of first positions, given and further ones, without ids that no others go with.
        within: the values that a column is to have. Impossible where nothing is left of one."""
        ends = {name: _clipped(end, (within or {}).get(name)) for name, end in self.ends.items()}
        out = {place: mask.copy() for place, mask in allowed.items()}

        def of(place: int) -> np.ndarray:
            low, high = self.ranges[place]
            return out.setdefault(place, np.ones(high - low, bool))

        for name, bounds in self.bounds.items():
            self._within_bounds(of(ends[name].place), ends[name], bounds)
        before = -1
        while before != (before := sum(int(mask.sum()) for mask in out.values())):
            for low, high, strict in self.pairs:
                self._order(of, ends[low], ends[high], strict)
            for one, at, rows in self.fixed:
                self._combine(of, one, at, rows)
        return out

    def _within_bounds(self, mask: np.ndarray, end: _End, bounds: tuple[Any, ...]) -> None:
        least, most, above, below = bounds
        fits = (end.high > least) if above else (end.high >= least)
        fits &= (end.low < most) if below else (end.low <= most)
        mask &= fits | np.isnan(end.low)
        if not mask.any():
            raise Impossible(self._about(end.name))

    def _order(self, of: Any, low: _End, high: _End, strict: bool) -> None:
        """Of two columns, the ids that some id of the other goes with."""
        mine, others = of(low.place), of(high.place)
        for mask, end, other, up in ((mine, low, others, True), (others, high, mine, False)):
            partner = high if up else low
            left = other & ~np.isnan(partner.low)
            if (other & np.isnan(partner.low)).any():
                continue  # beside a missing value anything goes
            best = partner.high[left].max() if up else partner.low[left].min()
            fits = _below(end.low, best, strict) if up else _below(best, end.high, strict)
            mask &= fits | np.isnan(end.low)
            if not mask.any():
                raise Impossible(self._about(low.name, high.name))

    def _combine(self, of: Any, one: Fixed, at: list[int | None], rows: np.ndarray) -> None:
        left = np.ones(len(rows), bool)
        for slot, place in enumerate(at):
            if place is not None:
                left &= of(place)[rows[:, slot]]
        for slot, place in enumerate(at):
            if place is not None:
                there = np.zeros(len(of(place)), bool)
                there[rows[left, slot]] = True
                of(place)[:] &= there
        if not left.any():
            raise Impossible(one.told())

    def _about(self, *names: str) -> str:
        """The constraints that speak of all of these columns, or of any of them."""
        found = [c for c in self.given if set(names) <= set(c.columns)]
        found = found or [c for c in self.given if set(names) & set(c.columns)]
        return "' and '".join(c.told() for c in found)

    # --- while it is drawn

    def mask(self, place: int, ids: Tensor) -> Tensor | None:
        """bool [B, V]: what may stand at a position of rows long [B, L], -1 where open; None where
        anything may. A row of which nothing is left has no true value."""
        if place not in self.places:
            return None
        low, high = self.ranges[place]
        x = ids.cpu().numpy()
        out = np.ones((len(x), high - low), bool)
        if place in self.static:
            out &= self.static[place]
        for name, end in self.ends.items():
            if place == end.place:
                self._compare(out, x, name, end.low[None], end.high[None])
            elif place == end.place + 1 and end.inside is not None:
                first = x[:, end.place] - self.ranges[end.place][0]
                self._compare(out, x, name, end.inside[0][first], end.inside[1][first])
        for _, at, rows in self.fixed:
            if place in at:
                out &= self._beside(x, at, rows, at.index(place), high - low)
        return torch.from_numpy(out).to(ids.device)

    def _compare(
        self, out: np.ndarray, x: np.ndarray, name: str, low: np.ndarray, high: np.ndarray
    ) -> None:
        """Of a column's ids, float64 [1 or B, V] each, those in order with what is drawn."""
        free = np.isnan(low)
        if name in self.bounds:
            least, most, above, below = self.bounds[name]
            fits = (high > least) if above else (high >= least)
            out &= free | (fits & ((low < most) if below else (low <= most)))
        for one, other, strict in self.pairs:
            if name not in (one, other):
                continue
            partner = self.ends[other if name == one else one]
            there_low, there_high = self._drawn(x, partner)
            if name == one:
                fits = _below(low, there_high[:, None], strict)
            else:
                fits = _below(there_low[:, None], high, strict)
            out &= free | fits | np.isnan(there_low)[:, None]

    def _drawn(self, x: np.ndarray, end: _End) -> tuple[np.ndarray, np.ndarray]:
        """The interval of a column in each row, float64 [B] each; NaN where missing or open."""
        first = x[:, end.place] - self.ranges[end.place][0]
        here = x[:, end.place] >= 0
        safe = np.where(here, first, 0)
        low, high = end.low[safe], end.high[safe]
        if end.inside is not None:
            start, stop = self.ranges[end.place + 1]
            second = x[:, end.place + 1]
            fine = here & (second >= start)
            place = np.clip(second - start, 0, stop - start - 1)
            low = np.where(fine, end.inside[0][safe, place], low)
            high = np.where(fine, end.inside[1][safe, place], high)
        return np.where(here, low, np.nan), np.where(here, high, np.nan)

    def _beside(
        self, x: np.ndarray, at: list[int | None], rows: np.ndarray, slot: int, size: int
    ) -> np.ndarray:
        """bool [B, size]: ids that complete a combination with what is drawn of it."""
        out = np.empty((len(x), size), bool)
        drawn = np.stack([x[:, p] >= 0 if p is not None else np.zeros(len(x), bool) for p in at], 1)
        drawn[:, slot] = False
        kinds, kind = np.unique(drawn, axis=0, return_inverse=True)
        for number, which in enumerate(kinds):
            some, slots = np.flatnonzero(kind.ravel() == number), np.flatnonzero(which)
            if not len(slots):
                out[some] = np.isin(np.arange(size), rows[:, slot])
                continue
            lows = [self.ranges[at[s] or 0][0] for s in slots]
            mine = x[some][:, [at[s] or 0 for s in slots]] - lows
            groups, group = np.unique(
                np.concatenate((rows[:, slots], mine)), axis=0, return_inverse=True
            )
            group = group.ravel()
            order = np.argsort(group[: len(rows)], kind="stable")
            begins = np.searchsorted(group[order], np.arange(len(groups) + 1))
            wanted = group[len(rows) :]
            counts = begins[wanted + 1] - begins[wanted]
            row = np.repeat(np.arange(len(some)), counts)
            nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
            part = np.zeros((len(some), size), bool)
            part[row, rows[order[np.repeat(begins[wanted], counts) + nth], slot]] = True
            out[some] = part
        return out


def _clipped(end: _End, within: tuple[float, float] | None) -> _End:
    if within is None:
        return end
    low, high = np.maximum(end.low, within[0]), np.minimum(end.high, within[1])
    return replace(end, low=low, high=high)


def _below(low: Any, high: Any, strict: bool) -> Any:
    return low < high if strict else low <= high


def _bounds(
    inequalities: Sequence[Inequality], known: Mapping[str, Column]
) -> dict[str, tuple[float, float, bool, bool]]:
    """Column -> (least, most, whether it is above the least, below the most), of what is compared
    with numbers or with columns of one value, however many steps lie between."""
    found: dict[str, tuple[float, float, bool, bool]] = {}

    def fixed(end: Any) -> float | None:
        if isinstance(end, float):
            return end
        column = known[end]
        plain = isinstance(column, ConstantColumn) and isinstance(column.value, int | float)
        return float(column.value) if plain else None  # type: ignore[union-attr, arg-type]

    for (low, high), strict in closure(inequalities).items():
        least, most = fixed(low), fixed(high)
        if (least is None) == (most is None):
            continue
        name = high if least is not None else low
        if not isinstance(known[name], NumberColumn):
            continue
        old = found.get(name, (-np.inf, np.inf, False, False))
        if least is not None:
            tighter = (least, strict) > (old[0], old[2])
            found[name] = (least, old[1], strict, old[3]) if tighter else old
        elif most is not None:
            tighter = (-most, strict) > (-old[1], old[3])
            found[name] = (old[0], most, old[2], strict) if tighter else old
    return found
