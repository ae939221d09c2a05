"""What a table column has learnt, as ids: a protocol and the columns of categories and constants.

A learnt column is one position of ids, two (a cell and a place within it) or, of texts, a run.
Numbers are in `number_column`, texts in `text_column`, identifiers in `identifier_column`, the
choice among them in `detect`.
Shape legend: N rows, P positions of the column (0 or more), K ids of its first position.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from genloom.codec.table.dataframes import pandas
from genloom.codec.where import Among, Compare, Leaf, Missing, Value, names
from genloom.errors import RequestError

Arrays = Mapping[str, np.ndarray]


class Column(Protocol):
    """kind: "number", "category", "constant", "text" or "identifier"."""

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many ids each of its positions has; () for a column that is not learnt."""

    def encode(self, series: Any) -> np.ndarray:
        """int64 [N, P], ids counted from 0."""

    def decode(self, ids: np.ndarray, noise: np.ndarray) -> Any:
        """A series or array of the original dtype; noise uint64 [N] is a hash of the whole row."""

    def holds(self, series: Any, leaf: Leaf) -> np.ndarray:
        """bool [N], which values meet a comparison."""

    def may_hold(self, leaf: Leaf) -> np.ndarray:
        """bool [K], which ids can stand for a value that meets it. RequestError if senseless."""

    def describe(self) -> str:
        """What the column holds, for an error message: its range or its values."""

    def told(self) -> dict[str, Any]:
        """What a condition can ask of it, as JSON: its name and kind, whether values may be
        missing, its values (`choices`) or its range (`low`, `high`), and where it is known how the
        data lie (`shares` of the values, or of the parts between `edges`)."""

    def features(self, series: Any) -> np.ndarray:
        """float64 [N, F], standardised."""

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What was learnt, as JSON and arrays; `from_json` of the class takes both."""


def mix(x: np.ndarray) -> np.ndarray:
    """uint64 -> uint64, every bit of the result hangs on every bit of x (splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def row_noise(ids: np.ndarray) -> np.ndarray:
    """uint64 [N] from int64 [N, L]: chance that hangs on the row alone, not on its neighbours."""
    state = np.full(len(ids), 0x9E3779B97F4A7C15, np.uint64)
    for position in range(ids.shape[1]):
        state = mix(state + np.uint64(0x9E3779B97F4A7C15) * (ids[:, position].astype(np.uint64)))
    return state


def fraction(noise: np.ndarray, salt: str) -> np.ndarray:
    """float64 [N] in [0, 1), independent for every salt."""
    return (salted(noise, salt) >> np.uint64(11)) * 2.0**-53


def salted(noise: np.ndarray, salt: str) -> np.ndarray:
    key = 0
    for byte in salt.encode("utf-8", "surrogatepass"):
        key = (key * 1099511628211 + byte + 1) % 2**64
    return mix(noise ^ np.uint64(key))


@dataclass(frozen=True, kw_only=True)
class CategoryColumn:
    """Each common value has an id; rare ones share one, which comes back as a common value drawn
    by frequency, so that no rare value is ever put out.

    labels  JSON values (text, number or truth value), the most frequent first
    counts  int64 [labels]
    rank    for the dtype category: the place of each label among its categories
    rare, missing   whether there is an id for pooled values, for missing ones
    """

    kind: ClassVar[str] = "category"
    name: str
    dtype: str
    ordered: bool
    labels: tuple[Value, ...]
    rank: tuple[int, ...]
    counts: np.ndarray
    rare: bool
    missing: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        return (len(self.labels) + self.rare + self.missing,)

    @property
    def _missing_id(self) -> int:
        return len(self.labels) + self.rare

    def encode(self, series: Any) -> np.ndarray:
        pd = pandas()
        ids = np.asarray(pd.Index(list(self.labels), dtype=object).get_indexer(labelled(series)))
        ids = np.where(ids < 0, len(self.labels) if self.rare else 0, ids)
        if self.missing:
            ids[series.isna().to_numpy()] = self._missing_id
        return ids.astype(np.int64)[:, None]

    def strange(self, series: Any) -> np.ndarray:
        """bool [N], which values are none of the labels, and not missing."""
        pd = pandas()
        found = pd.Index(list(self.labels), dtype=object).get_indexer(labelled(series))
        return (np.asarray(found) < 0) & series.notna().to_numpy()

    def decode(self, ids: np.ndarray, noise: np.ndarray) -> Any:
        place = ids[:, 0].copy()
        pooled = place == len(self.labels)
        if self.rare and pooled.any():
            mass = np.cumsum(self.counts) / self.counts.sum()
            drawn = np.searchsorted(mass, fraction(noise[pooled], self.name), "right")
            place[pooled] = np.minimum(drawn, len(self.labels) - 1)
        if self.missing:
            place[ids[:, 0] == self._missing_id] = -1
        return self._values(place)

    def _values(self, place: np.ndarray) -> Any:
        """place int64 [N] into labels, -1 missing."""
        pd = pandas()
        labels = list(self.labels)
        if self.dtype == "category":
            codes = np.where(place < 0, -1, np.array(self.rank)[place])
            order = [labels[i] for i in np.argsort(self.rank)]
            return pd.Categorical.from_codes(codes, categories=order, ordered=self.ordered)
        if self.dtype in ("object", "bool"):
            pool = np.array([*labels, None], dtype=object)
            return pd.Series(pool[place].astype(self.dtype), dtype=self.dtype)
        pool = pd.array(labels, dtype=self.dtype)
        return pool.take(place, allow_fill=True)

    def holds(self, series: Any, leaf: Leaf) -> np.ndarray:
        here = series.notna().to_numpy()
        if isinstance(leaf, Missing):
            return here if leaf.negated else ~here
        met = self._met(leaf)
        pd = pandas()
        ids = np.asarray(pd.Index(list(self.labels), dtype=object).get_indexer(labelled(series)))
        return here & np.where(ids < 0, False, met[ids])

    def may_hold(self, leaf: Leaf) -> np.ndarray:
        out = np.zeros(self.sizes[0], bool)
        if isinstance(leaf, Missing):
            out[:] = leaf.negated
            out[len(self.labels) + self.rare :] = not leaf.negated
            return out
        out[: len(self.labels)] = self._met(leaf)
        # a pooled id comes back as any common value, so it cannot promise one
        return out

    def _met(self, leaf: Compare | Among) -> np.ndarray:
        """bool [labels]"""
        if isinstance(leaf, Among):
            wanted = {self._label(value) for value in leaf.values}
            return np.array([(key(label) in wanted) != leaf.negated for label in self.labels])
        if leaf.op in ("=", "!="):
            wanted_one, equal = self._label(leaf.value), leaf.op == "="
            return np.array([(key(label) == wanted_one) == equal for label in self.labels])
        return self._ordered(leaf)

    def _ordered(self, leaf: Compare) -> np.ndarray:
        numbers = [x for x in self.labels if isinstance(x, int | float) and not isinstance(x, bool)]
        if len(numbers) < len(self.labels) or isinstance(leaf.value, str | bool):
            raise RequestError(
                f"where: column {self.name!r} holds categories, which have no {leaf.op}: "
                f"use =, != or in with {self.describe()}"
            )
        values, bound = np.array(numbers, float), float(leaf.value)
        compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
        return compare[leaf.op](values, bound)

    def _label(self, value: Value) -> tuple[str, Value]:
        """The label meant by a value of a condition: exactly, or but for upper and lower case."""
        known = {key(label) for label in self.labels}
        if key(value) in known:
            return key(value)
        folded = [x for x in self.labels if str(x).lower() == str(value).lower()]
        texts = isinstance(value, str) and all(isinstance(x, str) for x in self.labels)
        truths = all(isinstance(x, bool) for x in self.labels) and isinstance(value, str)
        if len(folded) == 1 and (texts or truths):
            return key(folded[0])
        near = difflib.get_close_matches(str(value), [str(x) for x in self.labels], 3, 0.5)
        hint = f"nearest: {names(near)}" if near else f"it holds {self.describe()}"
        raise RequestError(f"where: {value!r} is not a value of column {self.name!r}; {hint}")

    def describe(self) -> str:
        return names(list(self.labels)) + (" or nothing" if self.missing else "")

    def told(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "missing": self.missing,
            "choices": list(self.labels),
            "shares": (self.counts / max(1, self.counts.sum())).tolist(),
            "ordered": self.ordered,
        }

    def features(self, series: Any) -> np.ndarray:
        """One-hot over at most 64 ids; rows that differ are sqrt(2) apart."""
        ids = np.minimum(self.encode(series)[:, 0], 63)
        return np.eye(min(self.sizes[0], 64))[ids]

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        values = {
            "name": self.name,
            "dtype": self.dtype,
            "ordered": self.ordered,
            "labels": list(self.labels),
            "rank": list(self.rank),
            "rare": self.rare,
            "missing": self.missing,
        }
        return values, {"counts": self.counts}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Arrays) -> CategoryColumn:
        known: dict[str, Any] = dict(values)
        known["labels"], known["rank"] = tuple(values["labels"]), tuple(values["rank"])
        return cls(**known, counts=arrays["counts"])


@dataclass(frozen=True, kw_only=True)
class ConstantColumn:
    """One value throughout, or nothing at all (value None): no ids, nothing to learn."""

    kind: ClassVar[str] = "constant"
    name: str
    dtype: str
    value: Value | None

    @property
    def sizes(self) -> tuple[int, ...]:
        return ()

    def encode(self, series: Any) -> np.ndarray:
        return np.zeros((len(series), 0), np.int64)

    def decode(self, ids: np.ndarray, noise: np.ndarray) -> Any:
        pd = pandas()
        if self.value is None:
            return pd.Series([None] * len(ids), dtype=object).astype(self.dtype)
        return pd.Series([self.value] * len(ids), dtype=object).astype(self.dtype)

    def holds(self, series: Any, leaf: Leaf) -> np.ndarray:
        return np.full(len(series), bool(self.may_hold(leaf)[0]))

    def may_hold(self, leaf: Leaf) -> np.ndarray:
        """bool [1], for the one value there is."""
        if isinstance(leaf, Missing):
            return np.array([(self.value is None) != leaf.negated])
        if self.value is None:
            return np.array([False])
        wanted = leaf.values if isinstance(leaf, Among) else (leaf.value,)
        if isinstance(leaf, Among):
            return np.array([(key(self.value) in {key(v) for v in wanted}) != leaf.negated])
        return np.array([compares(self.value, leaf.op, leaf.value)])

    def describe(self) -> str:
        return "nothing" if self.value is None else f"{self.value!r} only"

    def told(self) -> dict[str, Any]:
        choices = [] if self.value is None else [self.value]
        missing = self.value is None
        return {"name": self.name, "kind": self.kind, "missing": missing, "choices": choices}

    def features(self, series: Any) -> np.ndarray:
        return np.zeros((len(series), 0))

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"name": self.name, "dtype": self.dtype, "value": self.value}, {}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Arrays) -> ConstantColumn:
        return cls(**values)


def compares(have: Value, op: str, want: Value) -> bool:
    """Whether a value meets a comparison; a text and a number never do, but for !=."""
    if op == "=":
        return key(have) == key(want)
    if op == "!=":
        return key(have) != key(want)
    if isinstance(have, str) != isinstance(want, str):
        return False
    left, right = (have, want) if isinstance(have, str) else (float(have), float(want))
    outcome = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}  # type: ignore[operator]
    return outcome[op]


def key(value: Value) -> tuple[str, Value]:
    """Equality that keeps True, 1 and '1' apart, but not 1 and 1.0."""
    if isinstance(value, bool):
        return ("truth", value)
    return ("number", float(value)) if isinstance(value, int | float) else ("text", value)


def labelled(series: Any) -> Any:
    """An object array of JSON values (others as their text), None where missing."""
    values = series.to_numpy(dtype=object, na_value=None) if _masks(series) else _objects(series)
    return values


def _masks(series: Any) -> bool:
    return str(series.dtype) not in ("category", "object")


def _objects(series: Any) -> np.ndarray:
    missing = series.isna().to_numpy()
    values = series.astype(object).to_numpy()
    plain = [
        None if gone else value if isinstance(value, str | bool | int | float) else str(value)
        for value, gone in zip(values, missing, strict=True)
    ]
    out = np.empty(len(plain), dtype=object)
    out[:] = plain
    return out
