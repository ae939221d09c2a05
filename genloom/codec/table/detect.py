"""Which kind of column a series is: number, date, category, constant, identifier, free text.

Knows the signs by which each is told and says in a note what was decided wherever a user might be
surprised. The columns themselves learn and remember.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.codec.table.columns import CategoryColumn, Column, ConstantColumn, labelled
from genloom.codec.table.dataframes import pandas
from genloom.codec.table.date_column import DateColumn
from genloom.codec.table.identifier_column import IdentifierColumn, shape_of
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.number_form import DATE_FORMATS, NumberForm
from genloom.codec.table.text_column import TextColumn
from genloom.errors import RecipeError

_IDENTIFIER_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|rowid|no|nr)$", re.IGNORECASE)
_CAMEL_IDENTIFIER = re.compile(r"[a-z](ID|Id|UUID|Key)$")
KINDS = ("category", "number", "date", "identifier", "text")  # that a column may be said to be
_FEWEST_FOR_IDENTIFIER = 20
_FEWEST_FOR_TEXT = 200  # rows from which texts are learnt, where nobody asks for it
_WORDS = 3  # in half of the values of a column of texts at least
_LONG_TEXT = 200  # characters; a cell longer than this is no category
_NUMBERS_AMONG_TEXTS = 0.9


@dataclass(frozen=True, kw_only=True)
class Policy:
    """See `TableCodec` for what each number means."""

    cells: int
    fine: int
    distinct: int
    categories: int
    rare: int
    seasons: bool = False  # dates by week, day and hour
    texts: int = 0  # places of a row for a column of texts; 0: they are not learnt


Note = Callable[[str], None]


def learn_column(name: str, series: Any, policy: Policy, note: Note) -> Column:
    """The column that suits a series of any dtype."""
    pd = pandas()
    api, dtype = pd.api.types, series.dtype
    if not series.notna().any():
        note("is all missing: not learnt, left empty")
        return ConstantColumn(name=name, dtype=str(dtype), value=None)
    if api.is_bool_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype):
        return _category(name, series, policy, note)
    if dtype.kind in "Mm" and not isinstance(dtype, pd.PeriodDtype):
        return _number(name, series, NumberForm.of_dates(series), policy, note)
    if api.is_numeric_dtype(dtype) and not api.is_complex_dtype(dtype):
        return _numeric(name, series, policy, note)
    return _texts(name, series, policy, note)


def kinds_of(given: Any) -> dict[str, str]:
    """RecipeError for what no column can be said to be."""
    fine = given is None or isinstance(given, Mapping)
    for name, kind in given.items() if fine and given else ():
        fine &= isinstance(name, str) and isinstance(kind, str) and kind.split(":")[0] in KINDS
    if not fine:
        raise RecipeError(
            f"codec.kinds: an object of column -> one of {', '.join(KINDS)} (or date:FORMAT) is "
            "expected"
        )
    return dict(given or {})


def learn_as(kind: str, name: str, series: Any, policy: Policy, note: Note) -> Column:
    """The column as it is said to be: one of KINDS, "date:FORMAT" for how dates are written. What
    does not fit the values is noted, and the column is learnt by what it looks like."""
    pd = pandas()
    kind, _, told = kind.partition(":")
    if not series.notna().any():
        return learn_column(name, series, policy, note)
    numeric = pd.api.types.is_numeric_dtype(series.dtype)
    if kind == "category":
        said: list[str] = []
        column = _category(name, series, policy, said.append)
        if numeric and isinstance(column, IdentifierColumn):
            note("is said to hold categories, and none is common enough: learnt as it looks")
            return learn_column(name, series, policy, note)
        for text in said:
            note(text)
        return column
    if kind == TextColumn.kind:
        if numeric or series.dtype.kind in "Mm" or not policy.texts:
            why = "texts are not learnt here" if not policy.texts else "holds none"
            note(f"is said to hold texts, but {why}: learnt as it looks")
            return learn_column(name, series, policy, note)
        return _text(name, series, policy, note)
    if kind == "identifier":
        if numeric and not _whole(series):
            note("is said to hold identifiers, but holds numbers with decimals: learnt as it looks")
            return learn_column(name, series, policy, note)
        return _as_identifier(name, series)
    if kind == "number":
        if pd.api.types.is_bool_dtype(series.dtype) or series.dtype.kind in "Mm":
            note("is said to hold numbers, but does not: learnt as it looks")
            return learn_column(name, series, policy, note)
        numbers = pd.to_numeric(series, errors="coerce")
        odd = int((numbers.isna() & series.notna()).sum())
        if odd:
            note(f"is said to hold numbers, and {odd} values are none: those are taken as missing")
        if not numbers.notna().any():
            return learn_column(name, series, policy, note)
        plain = numbers if numbers.dtype != object else numbers.astype("float64")
        return _number(name, plain, NumberForm.of_numbers(plain), policy, note)
    if series.dtype.kind == "M":
        return _number(name, series, NumberForm.of_dates(series), policy, note)
    form = NumberForm.of_texts(series, (told,) if told else DATE_FORMATS, strict=not told)
    if form is None:
        shown = f" written {told}" if told else ""
        note(f"is said to hold dates{shown}, but does not: learnt as it looks")
        return learn_column(name, series, policy, note)
    odd = int(np.isnan(form.plain(series)).sum() - series.isna().sum())
    if odd:
        note(f"holds dates written {form.format} but for {odd} values: those are taken as missing")
    return _number(name, series, form, policy, note)


def _whole(series: Any) -> bool:
    """Whether all numbers are whole, none of them beyond what a float holds exactly."""
    plain = series.dropna().to_numpy(dtype=np.float64)
    return bool(len(plain) and (plain == np.rint(plain)).all() and np.abs(plain).max() < 2**52)


def _as_identifier(name: str, series: Any) -> IdentifierColumn:
    """Made anew in the shape it has, or as whole numbers above those that are there."""
    pd = pandas()
    if pd.api.types.is_numeric_dtype(series.dtype):
        top = max(0, int(series.dropna().max()))
        digits = min(12, max(6, len(str(top))))
        return IdentifierColumn(name=name, dtype=str(series.dtype), above=top, digits=digits)
    shape = shape_of(series.dropna().astype(str).to_numpy(dtype=object))
    return IdentifierColumn(name=name, dtype=_text_dtype(series), shape=shape)


def _numeric(name: str, series: Any, policy: Policy, note: Note) -> Column:
    pd = pandas()
    plain = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = int(np.isinf(plain).sum())
    if infinite:
        note(f"has {infinite} infinite values, taken as missing")
        if not np.isfinite(plain).any():
            return ConstantColumn(name=name, dtype=str(series.dtype), value=None)
    if _counts_rows(name, plain):
        note("numbers the rows: not learnt, made anew")
        top = int(plain.max())
        digits = max(6, len(str(abs(top))))
        return IdentifierColumn(
            name=name, dtype=str(series.dtype), above=top, digits=min(digits, 12)
        )
    return _number(name, series, NumberForm.of_numbers(series), policy, note)


def _counts_rows(name: str, plain: np.ndarray) -> bool:
    """Unique whole numbers that are dense, or that have a name for an identifier."""
    if len(plain) < _FEWEST_FOR_IDENTIFIER or not np.isfinite(plain).all():
        return False
    if (plain != np.rint(plain)).any() or len(np.unique(plain)) < len(plain):
        return False
    dense = plain.max() - plain.min() < 2 * len(plain)
    return bool(plain.max() < 2**53 and (dense or _named_identifier(name)))


def _named_identifier(name: str) -> bool:
    return bool(_IDENTIFIER_NAME.search(name) or _CAMEL_IDENTIFIER.search(name))


def _number(name: str, series: Any, form: NumberForm, policy: Policy, note: Note) -> Column:
    plain = form.plain(series)
    present = plain[~np.isnan(plain)]
    if present.min() == present.max() and len(present) == len(plain):
        value = series.dropna().iloc[0]
        value = str(value) if form.sort != "number" else value
        value = value.item() if isinstance(value, np.generic) else value
        note("has one value only: not learnt, kept")
        return ConstantColumn(name=name, dtype=str(series.dtype), value=value)
    options = {
        "cells": policy.cells,
        "distinct": policy.distinct,
        "fine": policy.fine,
        "rare": policy.rare,
    }
    column = NumberColumn.learn(name, form, plain, **options)
    if policy.seasons and form.measures == "dates" and not column.discrete:
        return DateColumn.of(column, plain, **options) or column
    return column


def _texts(name: str, series: Any, policy: Policy, note: Note) -> Column:
    """Texts, or objects of any kind."""
    pd = pandas()
    if series.dtype == object:
        kinds = {type(value).__name__ for value in series.dropna()}
        if kinds <= {"int", "float"}:
            return _numeric(name, series, policy, note)
        if len(kinds) > 1:
            note(f"mixes values of the types {', '.join(sorted(kinds))}")
        if not kinds <= {"str", "bool", "int", "float"}:
            series = pd.Series(labelled(series), index=series.index, dtype=object)
    numbers = _mostly_numbers(series, note)
    if numbers is not None:
        return _numeric(name, numbers, policy, note)
    form = NumberForm.of_texts(series) if _may_be_dates(series) else None
    if form is not None:
        zones = "; their zones are mixed: all are put out at +00:00" if "%z" in form.format else ""
        note(f"holds dates written {form.format}{zones}")
        return _number(name, series, form, policy, note)
    return _identifier(name, series, policy, note) or _category(name, series, policy, note)


def _mostly_numbers(series: Any, note: Note) -> Any | None:
    """A numeric series where all but a few values are numbers; the few become missing."""
    pd = pandas()
    present = series.dropna()
    numbers = pd.to_numeric(present, errors="coerce")
    numeric = numbers.notna()
    if numeric.all() or numeric.mean() < _NUMBERS_AMONG_TEXTS or len(present) < 10:
        return None
    odd = sorted({str(value)[:20] for value in present[~numeric]})
    shown, count = ", ".join(repr(value) for value in odd[:3]), int((~numeric).sum())
    note(f"holds numbers but for {count} values ({shown}): those are taken as missing")
    return pd.to_numeric(series, errors="coerce").astype("float64")


def _may_be_dates(series: Any) -> bool:
    present = series.dropna()
    first = present.iloc[0]
    return isinstance(first, str) and 4 <= len(first) <= 40 and any(c.isdigit() for c in first)


def _identifier(name: str, series: Any, policy: Policy, note: Note) -> Column | None:
    """Texts that are all different, mostly different and of several words, or too long to be
    categories."""
    present = series.dropna().astype(str)
    longest = int(present.str.len().max())
    unique = present.nunique() == len(present) and len(present) >= _FEWEST_FOR_IDENTIFIER
    wordy = present.str.len().median() > _LONG_TEXT
    free = policy.texts > 0 and _free_text(present)
    if not unique and not wordy and not free:
        return None
    shape = shape_of(present.to_numpy(dtype=object)) if longest <= _LONG_TEXT else ()
    if free and not shape:
        return _text(name, series, policy, note)
    if shape:
        note("holds identifiers: not learnt, made anew")
    else:
        note("holds free text or names, all different: not learnt, placeholders are put out")
    return IdentifierColumn(name=name, dtype=str(series.dtype), shape=shape)


def _free_text(present: Any) -> bool:
    """Whether values read like texts: several words, mostly letters, most of them different."""
    if len(present) < _FEWEST_FOR_TEXT or present.nunique() < len(present) / 2:
        return False
    some = present.iloc[:: max(1, len(present) // 1000)]
    letters = some.str.count(r"[^\W\d_]") / some.str.len().clip(lower=1)
    return bool(some.str.split().str.len().median() >= _WORDS and letters.median() > 0.5)


def _text(name: str, series: Any, policy: Policy, note: Note) -> Column:
    rare = min(policy.rare, max(1, len(series) // 100))
    column, cut = TextColumn.learn(
        name, _text_dtype(series), series, places=policy.texts, rare=rare
    )
    beyond = f"; {100 * cut:.1f}% are longer and cut at a word" if cut else ""
    whole = f"; none that fewer than {rare} rows hold is put out as it is" if rare > 1 else ""
    note(
        f"holds free text: learnt as up to {column.places} of {len(column.pieces)} pieces"
        f"{beyond}{whole}"
    )
    return column


def _category(name: str, series: Any, policy: Policy, note: Note) -> Column:
    pd = pandas()
    values = pd.Series(labelled(series))
    counts = values.value_counts()
    rare = min(policy.rare, max(1, len(values) // 100))  # of a small table, take what there is
    short = np.array([len(str(label)) <= _LONG_TEXT for label in counts.index])
    kept = counts[(counts >= rare) & short][: policy.categories]
    pooled = int(counts.sum() - kept.sum())
    if not len(kept):
        note("has no value common enough to learn: placeholders are put out")
        return IdentifierColumn(name=name, dtype=_text_dtype(series))
    if pooled:
        note(
            f"has {len(counts) - len(kept)} values too rare to learn ({pooled} rows): pooled, and "
            "put out as common ones"
        )
    missing = bool(series.isna().any())
    if len(kept) == 1 and not missing and not pooled:
        note("has one value only: not learnt, kept")
        return ConstantColumn(name=name, dtype=str(series.dtype), value=kept.index[0])
    labels = list(kept.index)
    return CategoryColumn(
        name=name,
        dtype="category" if isinstance(series.dtype, pd.CategoricalDtype) else str(series.dtype),
        ordered=bool(getattr(series.dtype, "ordered", False)),
        labels=tuple(labels),
        rank=_rank(series, labels),
        counts=kept.to_numpy(np.int64),
        rare=pooled > 0,
        missing=missing,
    )


def _rank(series: Any, labels: list[Any]) -> tuple[int, ...]:
    """The place of each label among the categories of the dtype that are kept."""
    pd = pandas()
    if not isinstance(series.dtype, pd.CategoricalDtype):
        return ()
    order = list(labelled(pd.Series(series.cat.categories)))
    kept = [label for label in order if label in labels]
    return tuple(kept.index(label) for label in labels)


def _text_dtype(series: Any) -> str:
    return "object" if str(series.dtype) in ("category", "bool", "boolean") else str(series.dtype)
