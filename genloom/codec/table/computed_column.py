"""A column that is computed from others by a formula: only how it is written is learnt of it.

Knows one formula and the values it needs, as they were decoded. Knows no ids.
Shape legend: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from genloom.codec.table.columns import Arrays, Column, compares, key, labelled
from genloom.codec.table.dataframes import pandas
from genloom.codec.table.expression import Expression, Unfit, columns_of, evaluate, parse
from genloom.codec.table.number_column import NumberColumn, between
from genloom.codec.table.number_form import NumberForm
from genloom.codec.where import Among, Leaf, Missing
from genloom.errors import DataError

DAY = 86_400_000_000_000.0  # nanoseconds


@dataclass(frozen=True, kw_only=True)
class ComputedColumn:
    """form: of numbers and dates, None of texts and truth values."""

    kind: ClassVar[str] = "computed"
    name: str
    dtype: str
    formula: str
    form: NumberForm | None

    @cached_property
    def tree(self) -> Expression:
        return parse(self.formula)

    @property
    def needs(self) -> tuple[str, ...]:
        return columns_of(self.tree)

    @property
    def sizes(self) -> tuple[int, ...]:
        return ()

    def compute(self, columns: Mapping[str, Column], frame: Any) -> np.ndarray:
        """The values in plain numbers [N] (objects of texts and truth values), from a frame's other
        columns. DataError where they do not fit the formula."""
        given = {name: plain_of(columns[name], frame[name]) for name in self.needs}
        try:
            made = evaluate(self.tree, given, len(frame))
            if self.form is None:
                return made.astype(object)
            if made.dtype == object:
                raise Unfit("it gives texts, and the column holds numbers")
        except Unfit as error:
            raise DataError(f"formula {self.name} = {self.formula}: {error}") from None
        made = made.astype(np.float64)
        if self.form.sort != "number":
            made = made * (DAY / self.form.unit)
        return self.form.tidy(made)

    def series(self, made: np.ndarray) -> Any:
        """As the column is written."""
        pd = pandas()
        if self.form is not None:
            return self.form.series(made)
        out = pd.Series(made, dtype=object)
        return out if self.dtype == "object" else out.astype(self.dtype)

    def broken(self, columns: Mapping[str, Column], frame: Any) -> np.ndarray:
        """bool [N], where the data says otherwise, by more than rounding."""
        made, told = self.compute(columns, frame), frame[self.name]
        if self.form is None:
            return np.array([a != b for a, b in zip(made, labelled(told), strict=True)])
        have = self.form.plain(told)
        slack = 1e-9 * np.abs(have)
        if self.form.decimals is not None:
            slack = slack + 0.51 * 10.0**-self.form.decimals
        with np.errstate(invalid="ignore"):
            return (np.isnan(made) != np.isnan(have)) | (np.abs(made - have) > slack)

    # --- as any column

    def encode(self, series: Any) -> np.ndarray:
        return np.zeros((len(series), 0), np.int64)

    def decode(self, ids: np.ndarray, noise: np.ndarray) -> Any:
        """Nothing yet: `compute` needs the others."""
        return pandas().Series([None] * len(ids), dtype=object)

    def holds(self, series: Any, leaf: Leaf) -> np.ndarray:
        here = series.notna().to_numpy()
        if isinstance(leaf, Missing):
            return here if leaf.negated else ~here
        if self.form is not None:
            plain = self.form.plain(series)
            return ~np.isnan(plain) & between(self.name, self.form, plain, plain, leaf)
        values = labelled(series)
        if isinstance(leaf, Among):
            wanted = {key(value) for value in leaf.values}
            met = [v is not None and (key(v) in wanted) != leaf.negated for v in values]
        else:
            met = [v is not None and compares(v, leaf.op, leaf.value) for v in values]
        return np.array(met, bool)

    def may_hold(self, leaf: Leaf) -> np.ndarray:
        """bool [1]; what comes out is known only once it is computed."""
        if self.form is not None and not isinstance(leaf, Missing):
            between(self.name, self.form, np.zeros(1), np.zeros(1), leaf)  # it fits
        return np.ones(1, bool)

    def describe(self) -> str:
        return f"what is computed by {self.formula}"

    def told(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "missing": True, "formula": self.formula}

    def features(self, series: Any) -> np.ndarray:
        return np.zeros((len(series), 0))

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        form = None if self.form is None else self.form.to_json()
        told = {"name": self.name, "dtype": self.dtype, "formula": self.formula, "form": form}
        return told, {}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Arrays) -> ComputedColumn:
        form = None if values["form"] is None else NumberForm(**values["form"])
        known: dict[str, Any] = {**values, "form": form}
        return cls(**known)


def computed(name: str, formula: str, series: Any, learnt: Column) -> ComputedColumn:
    """Written as the data is. learnt: what the column would be if it were learnt."""
    form = learnt.form if isinstance(learnt, NumberColumn) else None
    api = pandas().api.types
    if form is None and api.is_numeric_dtype(series.dtype) and not api.is_bool_dtype(series.dtype):
        form = NumberForm.of_numbers(series)
    return ComputedColumn(name=name, dtype=str(series.dtype), formula=formula, form=form)


def plain_of(column: Column, series: Any) -> np.ndarray:
    """A column as formulas see it: numbers, days of dates and durations, or texts [N]."""
    form = getattr(column, "form", None)
    if form is not None:
        plain = form.plain(series)
        return plain if form.sort == "number" else plain * (form.unit / DAY)
    api = pandas().api.types
    if api.is_bool_dtype(series.dtype) and not series.isna().any():
        return series.to_numpy(dtype=bool)
    if api.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return labelled(series)
