"""Table columns as channels of a float vector, and back: the array carrier of a table.

A number is its rank in [-1, 1]; a choice beside it says whether it is missing or one of the very
common values. A category is one-hot, as -1 and 1. Knows columns and arrays; no files, no tokens.
Shape legend: N rows, C channels of one column, S special values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.codec.table.columns import Arrays, CategoryColumn, Column, row_noise
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.quantiles import Quantiles
from genloom.spec import Span

_SPIKE = 0.05  # share of rows from which one value is a choice of its own
_KNOTS = 4096


@dataclass(frozen=True, kw_only=True)
class NumberChannels:
    """One channel of rank; where there are special values, a choice of [ordinary, missing, ...]."""

    column: NumberColumn
    quantiles: Quantiles
    spikes: np.ndarray

    @classmethod
    def learn(cls, column: NumberColumn, series: Any) -> NumberChannels:
        ids = column.encode(series)
        plain = column.decode_plain(ids, row_noise(np.arange(len(ids))[:, None]))
        present = np.sort(plain[~np.isnan(plain)])
        values, counts = np.unique(present, return_counts=True)
        spikes = values[(counts >= _SPIKE * len(plain)) & np.isin(values, column.atoms)]
        if len(spikes) == len(values):
            spikes = spikes[:0]  # a column of few values needs no rank beside a choice
        rest = present[~np.isin(present, spikes)]
        steps = min(_KNOTS, max(1, len(rest) - 1))
        ranks = np.rint(np.linspace(0, len(rest) - 1, steps + 1)).astype(np.int64)
        return cls(column=column, quantiles=Quantiles(rest[ranks]), spikes=spikes)

    @property
    def _choices(self) -> int:
        special = len(self.spikes) + self.column.missing
        return 1 + special if special else 0

    def spans(self, start: int) -> list[Span]:
        name, size = self.column.name, self._choices
        out = [Span(name=name, start=start, size=1, kind="number")]
        if size:
            out.append(Span(name=f"{name}?", start=start + 1, size=size, kind="choice"))
        return out

    def encode(self, series: Any) -> np.ndarray:
        """float64 [N, C]"""
        plain = self.column.form.plain(series)
        gone = np.isnan(plain)
        rank = 2 * self.quantiles.share(np.where(gone, self.column.mean, plain)) - 1
        if not self._choices:
            return rank[:, None]
        choice = np.zeros(len(plain), np.int64)
        for place, value in enumerate(self.spikes):
            choice[plain == value] = 1 + self.column.missing + place
        if self.column.missing:
            choice[gone] = 1
        return np.concatenate((rank[:, None], _one_hot(choice, self._choices)), 1)

    def decode(self, x: np.ndarray) -> Any:
        rank = np.clip(np.nan_to_num(x[:, 0]), -1, 1)
        plain = self.column.form.tidy(self.quantiles.value((rank + 1) / 2))
        if self._choices:
            choice = x[:, 1:].argmax(1)
            special = np.concatenate(([np.nan], [np.nan] * self.column.missing, self.spikes))
            plain = np.where(choice > 0, special[choice], plain)
        return self.column.form.series(plain)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"ranks": self.quantiles.knots, "spikes": self.spikes}


@dataclass(frozen=True, kw_only=True)
class CategoryChannels:
    """One-hot over the ids of the column."""

    column: CategoryColumn

    def spans(self, start: int) -> list[Span]:
        size = self.column.sizes[0]
        return [Span(name=self.column.name, start=start, size=size, kind="choice")]

    def encode(self, series: Any) -> np.ndarray:
        return _one_hot(self.column.encode(series)[:, 0], self.column.sizes[0])

    def decode(self, x: np.ndarray) -> Any:
        ids = x.argmax(1)[:, None]
        return self.column.decode(ids, row_noise((np.nan_to_num(x) * 1e6).astype(np.int64)))

    def arrays(self) -> dict[str, np.ndarray]:
        return {}


Channels = NumberChannels | CategoryChannels


def learn_channels(column: Column, series: Any) -> Channels | None:
    """None for a column that is not learnt."""
    if isinstance(column, NumberColumn):
        return NumberChannels.learn(column, series)
    return CategoryChannels(column=column) if isinstance(column, CategoryColumn) else None


def load_channels(column: Column, arrays: Arrays | Mapping[str, np.ndarray]) -> Channels | None:
    if isinstance(column, NumberColumn):
        quantiles = Quantiles(arrays["ranks"])
        return NumberChannels(column=column, quantiles=quantiles, spikes=arrays["spikes"])
    return CategoryChannels(column=column) if isinstance(column, CategoryColumn) else None


def _one_hot(ids: np.ndarray, size: int) -> np.ndarray:
    return np.eye(size)[ids] * 2 - 1
