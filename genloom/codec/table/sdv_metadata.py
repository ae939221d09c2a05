"""Metadata files of SDV (V1, of one table): kinds of columns, keys, constraints.

Reads the JSON alone; SDV itself is never loaded. What is not understood is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from genloom.codec.table.key_pattern import shape_of_pattern
from genloom.errors import RecipeError

_KINDS = {"numerical": "number", "categorical": "category", "boolean": "category"}
_LEFT = ("unknown", "other")  # to what the values look like
_FLIPPED = {">": "<", ">=": "<="}

Say = Callable[[str], None]


def read(values: Any, say: Say) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """(column -> kind, constraints as this project writes them). say: is told what is passed over.
    RecipeError for what is no such metadata."""
    table = _table(values)
    kinds: dict[str, str] = {}
    columns = table.get("columns")
    if not isinstance(columns, Mapping) or not all(
        isinstance(c, Mapping) for c in columns.values()
    ):
        raise RecipeError(
            "metadata: SDV's JSON is expected, with columns and their sdtype: "
            '{"columns": {"age": {"sdtype": "numerical"}}}'
        )
    for name, told in columns.items():
        sort = told.get("sdtype")
        if sort in _LEFT:
            continue
        if sort == "datetime":
            form = told.get("datetime_format")
            kinds[name] = f"date:{form}" if form else "date"
        else:
            kinds[name] = _KINDS.get(str(sort), "identifier")  # ids and personal data: made anew
    made = [one for one in _keys(table, columns, say) if _known(one, columns)]
    for one in table.get("constraints", ()):
        try:
            made += translated(one)
        except RecipeError as error:
            say(f"{error}: it is not kept")
    return kinds, made


def _table(values: Any) -> Mapping[str, Any]:
    if isinstance(values, Mapping) and isinstance(values.get("tables"), Mapping):
        tables = values["tables"]
        if len(tables) != 1:
            raise RecipeError(
                f"metadata: it speaks of {len(tables)} tables ({', '.join(map(str, tables))}), and "
                "one is learnt: give that of one table"
            )
        values = next(iter(tables.values()))
    return values if isinstance(values, Mapping) else {}


def _keys(table: Mapping[str, Any], columns: Mapping[str, Any], say: Say) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    primary = table.get("primary_key")
    if isinstance(primary, list):
        made.append({"kind": "unique", "columns": primary})
    elif primary is not None:
        made.append({"kind": "key", "column": primary, **_pattern(primary, columns, say)})
    for other in table.get("alternate_keys", ()):
        made.append({"kind": "unique", "columns": other if isinstance(other, list) else [other]})
    return made


def _known(one: Mapping[str, Any], columns: Mapping[str, Any]) -> bool:
    named = one.get("columns") or [one["column"]]
    return all(name in columns for name in named)


def _pattern(name: str, columns: Mapping[str, Any], say: Say) -> dict[str, str]:
    pattern = columns.get(name, {}).get("regex_format")
    if not pattern:
        return {}
    try:
        shape_of_pattern(pattern)
    except RecipeError as error:
        say(f"{error}: the shape of the data is taken")
        return {}
    return {"pattern": pattern}


# --- constraints ----------------------------------------------------------------------------------


def translated(one: Any) -> list[dict[str, Any]]:
    """An SDV constraint in this project's words. RecipeError for one that has none."""
    if not isinstance(one, Mapping):
        raise RecipeError(f"SDV constraint {one!r}: an object is expected")
    name = str(one.get("constraint_class") or one.get("class") or one.get("constraint"))
    name = name.rpartition(".")[2]
    inside = one.get("constraint_parameters") or one.get("parameters") or one
    if name not in _WORDS:
        raise RecipeError(f"SDV constraint {name}: it has no counterpart here")
    try:
        return _WORDS[name](inside)
    except (KeyError, TypeError) as error:
        raise RecipeError(f"SDV constraint {name}: {error} is missing or wrong") from None


def is_one(value: Any) -> bool:
    """Whether a constraint is written as SDV does."""
    return isinstance(value, Mapping) and "constraint_class" in value


def _pair(low: Any, high: Any, strict: Any) -> dict[str, Any]:
    return {"kind": "inequality", "low": low, "high": high, "strict": bool(strict)}


def _inequality(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_pair(p["low_column_name"], p["high_column_name"], p.get("strict_boundaries"))]


def _scalar(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    relation, name, value = p["relation"], p["column_name"], p["value"]
    if relation in _FLIPPED:
        return [_pair(value, name, relation == ">")]
    return [_pair(name, value, relation == "<")]


def _range(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    strict, middle = p.get("strict_boundaries", True), p["middle_column_name"]
    return [
        _pair(p["low_column_name"], middle, strict),
        _pair(middle, p["high_column_name"], strict),
    ]


def _scalar_range(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    strict, name = p.get("strict_boundaries", True), p["column_name"]
    return [_pair(p["low_value"], name, strict), _pair(name, p["high_value"], strict)]


def _positive(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_pair(0, p["column_name"], p.get("strict_boundaries"))]


def _negative(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_pair(p["column_name"], 0, p.get("strict_boundaries"))]


def _fixed(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"kind": "fixed", "columns": list(p["column_names"])}]


def _unique(p: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"kind": "unique", "columns": list(p["column_names"])}]


_WORDS: dict[str, Callable[[Mapping[str, Any]], list[dict[str, Any]]]] = {
    "Inequality": _inequality,
    "ScalarInequality": _scalar,
    "Range": _range,
    "ScalarRange": _scalar_range,
    "Positive": _positive,
    "Negative": _negative,
    "FixedCombinations": _fixed,
    "UniqueCombinations": _fixed,
    "Unique": _unique,
}
