"""Columns that are places on the earth together: a latitude and a longitude, by name and range.

Knows learnt columns of numbers; nothing is learnt here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from genloom.codec.table.columns import Column
from genloom.codec.table.number_column import NumberColumn

_LATITUDE = re.compile(r"(?<![a-z])lat(itude)?(?![a-z])|latitude")
_LONGITUDE = re.compile(r"(?<![a-z])(lon|lng|long)(?![a-z])|longitude")


def places_of(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """(latitude, longitude) of every pair of columns whose names are alike but for that word."""
    south, west = _named(columns, _LATITUDE, 90.0), _named(columns, _LONGITUDE, 180.0)
    return [(name, west[rest]) for rest, name in south.items() if rest in west]


def _named(columns: Sequence[Column], word: re.Pattern[str], most: float) -> dict[str, str]:
    """What is left of a column's name without the word -> the name, where its range fits."""
    out: dict[str, str] = {}
    for column in columns:
        if not isinstance(column, NumberColumn) or column.form.sort != "number":
            continue
        low, high = column.bounds()
        spelt = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.name).lower()
        found = word.search(spelt)
        if found is not None and -most <= low and high <= most:
            out.setdefault(spelt[: found.start()] + "*" + spelt[found.end() :], column.name)
    return out
