"""What a user says that every row, or a whole table, must meet: read from JSON, checked, told.

Knows the kinds of constraints and which of them contradict each other as they stand; what they mean
for ids is in `constraint_masks`, for values in `constraint_values`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from genloom.codec.table.expression import Expression, columns_of, parse
from genloom.codec.table.key_pattern import shape_of_pattern
from genloom.codec.table.sdv_metadata import is_one, translated
from genloom.errors import RecipeError

MOST = 200


@dataclass(frozen=True, kw_only=True)
class Inequality:
    """low <= high (strict: <), each the name of a column or a number; a missing value meets it."""

    kind = "inequality"
    low: str | float
    high: str | float
    strict: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(end for end in (self.low, self.high) if isinstance(end, str))

    def told(self) -> str:
        return f"{_end(self.low)} {'<' if self.strict else '<='} {_end(self.high)}"


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Only combinations of values that the data holds."""

    kind = "fixed"
    columns: tuple[str, ...]

    def told(self) -> str:
        return f"({', '.join(self.columns)}) as seen in the data"


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A column that is computed from others and not learnt."""

    kind = "formula"
    column: str
    formula: str

    @cached_property
    def tree(self) -> Expression:
        return parse(self.formula)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *columns_of(self.tree))

    def told(self) -> str:
        return f"{self.column} = {self.formula}"


@dataclass(frozen=True, kw_only=True)
class Unique:
    """No two rows of a table have the same values here; missing ones do not count."""

    kind = "unique"
    columns: tuple[str, ...]

    def told(self) -> str:
        many = len(self.columns) > 1
        return f"({', '.join(self.columns)}) unique" if many else f"{self.columns[0]} unique"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A column of identifiers, made anew and all different. pattern: letters, [A-Z0-9], \\d and
    {n}; "" for the shape that the data has."""

    kind = "key"
    column: str
    pattern: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @cached_property
    def shape(self) -> tuple[str, ...]:
        """The characters to choose from at each place."""
        return shape_of_pattern(self.pattern)

    def told(self) -> str:
        return f"{self.column} a key" + (f" like {self.pattern}" if self.pattern else "")


Constraint = Inequality | Fixed | Formula | Unique | Key
_KINDS: dict[str, Any] = {c.kind: c for c in (Inequality, Fixed, Formula, Unique, Key)}
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # needed, optional
    "inequality": (("low", "high"), ("strict",)),
    "fixed": (("columns",), ()),
    "formula": (("column", "formula"), ()),
    "unique": (("columns",), ()),
    "key": (("column",), ("pattern",)),
}


def constraints_of(values: Any) -> tuple[Constraint, ...]:
    """From a list of objects, each with its kind and fields. RecipeError names what is wrong, and
    which two contradict each other."""
    made: dict[Constraint, None] = {}
    for value in listed(values):
        parts = translated(value) if is_one(value) else [value]
        made |= dict.fromkeys(_one(part) for part in parts)
    _refuse_contradictions(list(made))
    return tuple(made)


def listed(values: Any) -> list[Any]:
    """The list itself, or the one in an object under "constraints"."""
    if isinstance(values, Mapping):
        values = values.get("constraints")
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > MOST:
        raise RecipeError(
            f"constraints: a list of up to {MOST} objects is expected, such as "
            '[{"kind": "inequality", "low": "start", "high": "end"}]'
        )
    return list(values)


def to_json(constraints: Sequence[Constraint]) -> list[dict[str, Any]]:
    return [{"kind": c.kind, **asdict(c)} for c in constraints]


def _one(value: Any) -> Constraint:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if kind not in _KINDS:
        raise RecipeError(
            f"constraint {_short(value)}: a kind is expected, one of {', '.join(_KINDS)}"
        )
    needed, optional = _FIELDS[kind]
    wrong = [k for k in value if k not in ("kind", *needed, *optional)]
    gone = [k for k in needed if k not in value]
    if wrong or gone:
        raise RecipeError(
            f"constraint {_short(value)}: {kind} takes {', '.join((*needed, *optional))}"
        )
    fields = {k: value[k] for k in value if k != "kind"}
    if "columns" in fields:
        fields["columns"] = _columns(value, 2 if kind == "fixed" else 1)
    for name in ("column", "formula", "pattern"):
        if name in fields and not isinstance(fields[name], str):
            raise RecipeError(f"constraint {_short(value)}: {name} is to be a text")
    if kind == "inequality":
        _check_inequality(value)
        for end in ("low", "high"):
            fields[end] = value[end] if isinstance(value[end], str) else float(value[end])
    made: Constraint = _KINDS[kind](**fields)
    if isinstance(made, Formula) and made.column in columns_of(made.tree):
        raise RecipeError(f"constraint {made.told()!r}: a column cannot be made from itself")
    if isinstance(made, Key) and made.pattern:
        _ = made.shape
    return made


def _columns(value: Mapping[str, Any], least: int) -> tuple[str, ...]:
    given = value["columns"]
    given = [given] if isinstance(given, str) else given
    fine = isinstance(given, list | tuple) and all(isinstance(name, str) for name in given)
    if not fine or len(set(given)) < max(least, len(given)):
        raise RecipeError(
            f"constraint {_short(value)}: columns is to be a list of {least} or more names"
        )
    return tuple(given)


def _check_inequality(value: Mapping[str, Any]) -> None:
    ends = [value["low"], value["high"]]
    for end in ends:
        number = isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end)
        if not (isinstance(end, str) or number):
            raise RecipeError(
                f"constraint {_short(value)}: {_short(end)} is neither a column nor a number"
            )
    if not any(isinstance(end, str) for end in ends) or ends[0] == ends[1]:
        raise RecipeError(f"constraint {_short(value)}: two ends, one of them a column, are needed")
    if not isinstance(value.get("strict", False), bool):
        raise RecipeError(f"constraint {_short(value)}: strict is true or false")


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _end(end: str | float) -> str:
    return end if isinstance(end, str) else f"{end:g}"


# --- contradictions -------------------------------------------------------------------------------


def _refuse_contradictions(constraints: Sequence[Constraint]) -> None:
    makers: dict[str, Constraint] = {}
    for one in constraints:
        if isinstance(one, Formula | Key):
            if (other := makers.get(one.column)) is not None and other != one:
                raise RecipeError(
                    f"constraints contradict: column {one.column!r} cannot be made by "
                    f"{other.told()!r} and by {one.told()!r}"
                )
            makers[one.column] = one
    keys = {c.column: c for c in constraints if isinstance(c, Key)}
    for one in constraints:
        for name in () if isinstance(one, Key | Unique) else one.columns:
            if name in keys:
                raise RecipeError(
                    f"constraints contradict: {keys[name].told()!r} is made anew for each row and "
                    f"cannot meet {one.told()!r}"
                )
    formulas = [c for c in constraints if isinstance(c, Formula)]
    order(formulas)
    _refuse_circles([c for c in constraints if isinstance(c, Inequality)])


def order(formulas: Sequence[Formula]) -> list[Formula]:
    """Each after those it needs. RecipeError where they go in a circle."""
    left, made = {f.column: f for f in formulas}, []
    while left:
        ready = [f for f in left.values() if not set(f.columns[1:]) & set(left)]
        if not ready:
            told = "' and '".join(f.told() for f in left.values())
            raise RecipeError(f"constraints contradict: '{told}' need each other")
        for formula in ready:
            made.append(left.pop(formula.column))
    return made


def closure(inequalities: Sequence[Inequality]) -> dict[tuple[Any, Any], bool]:
    """(low, high) -> strict, of all that follow from the given ones."""
    found: dict[tuple[Any, Any], bool] = {}
    for one in inequalities:
        pair = (one.low, one.high)
        found[pair] = one.strict or found.get(pair, False)
    ends = list(dict.fromkeys(end for pair in found for end in pair))
    for middle in ends:
        for low in ends:
            for high in ends:
                if (low, middle) in found and (middle, high) in found:
                    strict = found[low, middle] or found[middle, high]
                    found[low, high] = strict or found.get((low, high), False)
    return found


def _refuse_circles(inequalities: Sequence[Inequality]) -> None:
    """x < ... < x, or numbers the wrong way round."""
    told = "', '".join(one.told() for one in inequalities)
    for (low, high), strict in closure(inequalities).items():
        numbers = isinstance(low, float) and isinstance(high, float)
        wrong = numbers and (low > high or (strict and low == high))  # type: ignore[operator]
        if wrong or (low == high and strict):
            raise RecipeError(
                f"constraints contradict: '{told}' together say {_end(low)} "
                f"{'<' if strict else '<='} {_end(high)}"
            )
