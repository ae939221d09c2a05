"""A column of numbers or dates as ids: common values have their own, the others share cells.

A cell is a step of the quantile function; where cells hold much of the column, a second position
says where in the cell, and the last digits come from a hash of the row. So no rare value of the
training data is put out but by chance. Knows no other column.
Shape legend: N rows, A common values ("atoms"), C cells, F places within a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from genloom.codec.table.columns import Arrays, fraction
from genloom.codec.table.number_form import NumberForm
from genloom.codec.table.quantiles import Quantiles
from genloom.codec.where import Among, Compare, Leaf, Missing

PARTS = 24  # into which a range is divided to tell how a column lies
_MOSTLY = 0.95  # share of rows that common values must cover for a column to count as discrete


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """ids of the first position: missing (where there are any), atoms, cells, in that order.

    The second position, where fine > 0, has the places and one more id for "not in a cell".
    rows: how many hold each atom, and last how many hold anything else; [] of an older model.
    """

    kind: ClassVar[str] = "number"
    name: str
    form: NumberForm
    missing: bool
    atoms: np.ndarray
    quantiles: Quantiles | None
    cells: int
    fine: int
    mean: float
    scale: float
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def learn(
        cls,
        name: str,
        form: NumberForm,
        plain: np.ndarray,
        *,
        cells: int,
        distinct: int,
        fine: int,
        rare: int,
    ) -> NumberColumn:
        """plain float64 [N] with NaN for missing; the options are those of `TableCodec`."""
        present = np.sort(plain[~np.isnan(plain)])
        values, counts = np.unique(present, return_counts=True)
        atoms = _atoms(values, counts, cells=cells, distinct=distinct, rare=rare)
        rest = present[~np.isin(present, atoms)]
        if len(atoms) and len(rest) < rare:
            rest = rest[:0]  # too few to be told apart from their neighbours
        most = cells * max(fine, 1)
        quantiles = Quantiles.learn(rest, most=most, crowd=rare) if len(rest) else None
        wide = len(rest) > (1 - _MOSTLY) * len(present)
        used = min(cells, max(1, len(rest) // rare)) if quantiles else 0
        return cls(
            name=name,
            form=form,
            missing=bool(np.isnan(plain).any()),
            atoms=atoms,
            quantiles=quantiles,
            cells=used,
            fine=fine if wide and fine > 1 else 0,
            mean=float(present.mean()),
            scale=float(present.std()) or 1.0,
            rows=np.append(counts[np.isin(values, atoms)], len(rest)),
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        coarse = self._first_cell + self.cells
        return (coarse, self.fine + (self._first_cell > 0)) if self.fine else (coarse,)

    @property
    def _first_cell(self) -> int:
        return self.missing + len(self.atoms)

    # --- ids ------------------------------------------------------------------------------------

    @property
    def discrete(self) -> bool:
        """Whether every value has an id of its own."""
        return self.quantiles is None

    def encode(self, series: Any) -> np.ndarray:
        return self.encode_plain(self.form.plain(series))

    def encode_plain(self, plain: np.ndarray) -> np.ndarray:
        """int64 [N, P] of plain numbers float64 [N]."""
        gone = np.isnan(plain)
        exact, atom = self._nearest_atom(plain)
        if self.quantiles is None:
            ids = np.zeros((len(plain), 1), np.int64)
            ids[:, 0] = self.missing + atom
        else:
            ids = self._cell_ids(plain)
            ids[exact, 0] = self.missing + atom[exact]
            ids[exact, 1:] = self.fine
        if self.missing:
            ids[gone, 0] = 0
            ids[gone, 1:] = self.fine
        elif gone.any():
            ids[gone] = self._cell_ids(np.array([self.mean]))[0] if self.quantiles else 0
        return ids

    def _nearest_atom(self, plain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """bool [N], whether it is one, and int64 [N], the place of the nearest."""
        if not len(self.atoms):
            return np.zeros(len(plain), bool), np.zeros(len(plain), np.int64)
        above = np.clip(np.searchsorted(self.atoms, plain), 0, len(self.atoms) - 1)
        below = np.maximum(above - 1, 0)
        nearer = np.abs(plain - self.atoms[below]) < np.abs(plain - self.atoms[above])
        place = np.where(nearer, below, above)
        return self.atoms[place] == plain, place

    def _cell_ids(self, plain: np.ndarray) -> np.ndarray:
        assert self.quantiles is not None
        share = np.where(np.isnan(plain), 0.5, self.quantiles.share(plain)) * self.cells
        cell = np.minimum(share.astype(np.int64), self.cells - 1)
        ids = [self._first_cell + cell]
        if self.fine:
            ids.append(np.minimum(((share - cell) * self.fine).astype(np.int64), self.fine - 1))
        return np.stack(ids, 1)

    def decode(self, ids: np.ndarray, noise: np.ndarray) -> Any:
        return self.form.series(self.decode_plain(ids, noise))

    def decode_plain(self, ids: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """float64 [N], NaN for missing."""
        first = ids[:, 0]
        table = np.full(self._first_cell + self.cells, np.nan)
        table[self.missing : self._first_cell] = self.atoms
        out = table[first]
        inside = first >= self._first_cell
        if self.quantiles is not None and inside.any():
            within = fraction(noise[inside], self.name)
            if self.fine:
                place = ids[inside, 1]  # "not in a cell" is no place: anywhere, then
                within = np.where(place < self.fine, (place + within) / self.fine, within)
            share = (first[inside] - self._first_cell + within) / self.cells
            out[inside] = self.form.tidy(self.quantiles.value(share))
        return out

    # --- conditions -----------------------------------------------------------------------------

    def holds(self, series: Any, leaf: Leaf) -> np.ndarray:
        plain = self.form.plain(series)
        gone = np.isnan(plain)
        if isinstance(leaf, Missing):
            return ~gone if leaf.negated else gone
        return ~gone & self._between(plain, plain, leaf)

    def may_hold(self, leaf: Leaf) -> np.ndarray:
        if isinstance(leaf, Missing):
            out = np.full(self.sizes[0], leaf.negated)
            out[: self.missing] = not leaf.negated
            return out
        low, high = (end[int(self.missing) :] for end in self.intervals())
        return np.concatenate((np.zeros(int(self.missing), bool), self._between(low, high, leaf)))

    def may_hold_within(self, first: int, leaf: Leaf) -> np.ndarray:
        """bool, which ids of the second position may meet it beside this first one."""
        out = np.zeros(self.sizes[1], bool)
        if first < self._first_cell:
            out[-1] = True
            return out
        steps = (first - self._first_cell + np.arange(self.fine + 1) / self.fine) / self.cells
        edges = self._edges(steps)
        if isinstance(leaf, Missing):
            out[: self.fine] = leaf.negated
        else:
            out[: self.fine] = self._between(edges[:-1], edges[1:], leaf)
        return out

    def takes_within(self, first: int) -> np.ndarray:
        """bool, which ids of the second position go with an id of the first at all."""
        out = np.full(self.sizes[1], first >= self._first_cell)
        if self._first_cell:
            out[-1] = not out[0]
        return out

    def meets(self, value: float, leaf: Leaf) -> bool:
        """Whether one plain value meets a comparison."""
        if isinstance(leaf, Missing):
            return leaf.negated
        return bool(self._between(np.array([value]), np.array([value]), leaf)[0])

    def intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest plain value that each id of the first position stands for, NaN for a
        missing one."""
        edges = self._edges(np.arange(self.cells + 1) / max(self.cells, 1))
        gone = np.full(int(self.missing), np.nan)
        low = np.concatenate((gone, self.atoms, edges[:-1]))
        return low, np.concatenate((gone, self.atoms, edges[1:]))

    def intervals_within(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of both positions together, [first, second]."""
        second = self.fine + (self._first_cell > 0)
        low, high = (np.repeat(end[:, None], second, 1) for end in self.intervals())
        edges = self._edges(np.arange(self.cells * self.fine + 1) / (self.cells * self.fine))
        low[self._first_cell :, : self.fine] = edges[:-1].reshape(self.cells, self.fine)
        high[self._first_cell :, : self.fine] = edges[1:].reshape(self.cells, self.fine)
        return low, high

    def interval(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float64 [N] each: between which values rows of ids [N, P] may be, in the end."""
        ends = self.intervals_within() if self.fine else self.intervals()
        at = (ids[:, 0], ids[:, 1]) if self.fine else (ids[:, 0],)
        return ends[0][at], ends[1][at]

    def on_axis(self, values: np.ndarray) -> np.ndarray:
        """Values of atoms and quantiles as plain numbers."""
        return self.form.tidy(values)

    def _edges(self, steps: np.ndarray) -> np.ndarray:
        if self.quantiles is None:
            return np.zeros(1)
        return self.form.tidy(self.quantiles.value(steps))

    def _between(self, low: np.ndarray, high: np.ndarray, leaf: Compare | Among) -> np.ndarray:
        return between(self.name, self.form, low, high, leaf)

    def owns(self, value: float) -> bool:
        """Whether a plain value has an id of its own."""
        return bool(np.isin(value, self.atoms))

    def bounds(self) -> tuple[float, float]:
        """The lowest and highest plain value that can come out."""
        ends = self._edges(np.array([0.0, 1.0])) if self.quantiles is not None else self.atoms
        both = np.concatenate((ends, self.atoms))
        return float(both.min()), float(both.max())

    def describe(self) -> str:
        low, high = self.bounds()
        return f"{self.form.show(low)} to {self.form.show(high)}"

    def told(self) -> dict[str, Any]:
        """Of dates, the ends as they are written."""
        plain = self.form.sort == "number"
        low, high = (end if plain else self.form.show(end) for end in self.bounds())
        return {
            "name": self.name,
            "kind": self.kind if plain else "date",
            "missing": self.missing,
            "low": low,
            "high": high,
            "whole": plain and self.form.whole,
            **(self._spread() if plain and len(self.rows) else {}),
        }

    def _spread(self) -> dict[str, list[float]]:
        """How the data lie: equal parts of the range, whole numbers wide where all are whole, and
        the share of the rows in each."""
        low, high = self.bounds()
        width, top = (high - low) / PARTS or 1.0, high
        if self.form.whole:
            width, top = float(np.ceil((high - low + 1) / PARTS)), high + 1
        edges = low + width * np.arange(max(1, round((top - low) / width + 0.499)) + 1)
        held = np.histogram(self.atoms, edges, weights=self.rows[:-1])[0]
        if self.quantiles is not None:
            below = self.quantiles.share(edges - 0.5 * self.form.whole)
            below[0], below[-1] = 0.0, 1.0
            held = held + np.diff(below) * self.rows[-1]
        return {"edges": edges.tolist(), "shares": (held / max(1, held.sum())).tolist()}

    def features(self, series: Any) -> np.ndarray:
        plain = np.nan_to_num((self.form.plain(series) - self.mean) / self.scale)
        return np.clip(plain, -10, 10)[:, None]

    # --- files ----------------------------------------------------------------------------------

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        values = {
            "name": self.name,
            "form": self.form.to_json(),
            "missing": self.missing,
            "cells": self.cells,
            "fine": self.fine,
            "mean": self.mean,
            "scale": self.scale,
        }
        knots = self.quantiles.knots if self.quantiles else np.zeros(0)
        return values, {"atoms": self.atoms, "knots": knots, "rows": self.rows}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Arrays) -> NumberColumn:
        known: dict[str, Any] = dict(values)
        known["form"], knots = NumberForm(**values["form"]), arrays["knots"]
        return cls(
            **known,
            atoms=arrays["atoms"],
            rows=arrays.get("rows", np.zeros(0, np.int64)),
            quantiles=Quantiles(knots) if len(knots) else None,
        )


def between(
    name: str, form: NumberForm, low: np.ndarray, high: np.ndarray, leaf: Compare | Among
) -> np.ndarray:
    """bool, whether some value of [low, high] of a column meets the comparison."""
    if isinstance(leaf, Among):
        wanted = [form.literal(name, value) for value in leaf.values]
        met = np.zeros(len(low), bool)
        for value in wanted:
            met |= (low <= value) & (value <= high)
        return ~(met & (low == high)) if leaf.negated else met
    value = form.literal(name, leaf.value)
    outcome = {
        "=": (low <= value) & (value <= high),
        "!=": ~((low == value) & (value == high)),
        "<": low < value,
        "<=": low <= value,
        ">": high > value,
        ">=": high >= value,
    }
    return outcome[leaf.op]


def _atoms(
    values: np.ndarray, counts: np.ndarray, *, cells: int, distinct: int, rare: int
) -> np.ndarray:
    """Values with an id each: all common ones of a discrete column, else only the spikes."""
    common = counts >= rare
    if common.sum() <= distinct and counts[common].sum() >= _MOSTLY * counts.sum():
        return values[common]
    # Half of a cell's rows on one value would make the cell a poor summary of either.
    spike = counts >= max(rare, counts.sum() / (2 * cells))
    if spike.sum() > distinct:
        spike &= counts >= np.sort(counts)[-distinct]
    return values[spike]
