"""Keys, links and times of tables that nobody described, told by names and values.

A key is a column of identifiers that are all there and all different; a link is a column that is
named for another table's key and holds its values. Knows frames; what is found can be overruled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genloom.codec.table.dataframes import pandas
from genloom.codec.table.number_form import NumberForm
from genloom.errors import DataError
from genloom.linked.schema import Link, Table

_PLAIN = {"id", "key", "code", "uuid", "guid", "no", "nr", "number", "index", "ref"}
_ENDS = ("id", "key", "code", "uuid", "guid", "no", "nr", "number", "ref", "fk", "")
_SELF = ("parent", "manager", "supervisor", "boss", "previous", "prev", "next", "reportsto")
LEAST_SHARED = 0.5  # of the values of a column that is named like a link
_LOOKED = 100_000  # values by which a column's kind is told


def detect(frames: Mapping[str, Any]) -> tuple[Table, ...]:
    """What each table's key, links and time are. DataError where a column is named for a key and
    holds other values."""
    keys = {name: key_of(name, frame) or _shared(name, frames) for name, frame in frames.items()}
    out = []
    for name, frame in frames.items():
        links = _links(name, frames, keys)
        # the owner first: the parent of the most rows has the fewest children each
        links.sort(key=lambda link: (_gaps(frame[link.column]), -len(frames[link.parent])))
        taken = {keys[name], *(link.column for link in links)}
        time = next((c for c in frame.columns if c not in taken and is_time(frame[c])), None)
        out.append(
            Table(name=name, key=keys[name], time=time if links else None, links=tuple(links))
        )
    return tuple(out)


def key_of(table: str, frame: Any) -> str | None:
    """The column that names the rows: the best named of those that could."""
    able = [c for c in frame.columns if _identifies(frame[c])]
    named = sorted((c for c in able if _fits(c, table)), key=lambda c: _rank(c, table))
    if named:
        return str(named[0])
    first = frame.columns[0]
    ends = re.search(r"(^|[_\W])(id|key|code|uuid|no)$|[a-z](ID|Id)$", str(first), re.IGNORECASE)
    return str(first) if first in able and ends else None


def _shared(name: str, frames: Mapping[str, Any]) -> str | None:
    """A column that names the rows and stands in another table under the same name."""
    frame = frames[name]
    others = [other for key, other in frames.items() if key != name]
    for column in frame.columns:
        again = [other[column].dropna() for other in others if column in other.columns]
        if again and _identifies(frame[column]):
            known = [float(values.isin(frame[column]).mean()) for values in again if len(values)]
            if known and max(known) > LEAST_SHARED and not all(v.is_unique for v in again):
                return str(column)
    return None


def _identifies(series: Any) -> bool:
    return kind_of(series) is not None and not series.isna().any() and bool(series.is_unique)


def kind_of(series: Any) -> str | None:
    """ "number" for whole numbers, "text" for short texts, None for what is no identifier."""
    pd = pandas()
    api = pd.api.types
    if api.is_bool_dtype(series.dtype):
        return None
    if api.is_integer_dtype(series.dtype):
        return "numbers"
    if api.is_float_dtype(series.dtype):  # whole numbers with gaps
        there = series.dropna().head(_LOOKED)
        return "numbers" if len(there) and (there == there.round()).all() else None
    if series.dtype == object or api.is_string_dtype(series.dtype):
        there = series.dropna().head(_LOOKED)
        short = len(there) and all(isinstance(v, str) and len(v) <= 64 for v in there)
        return "words" if short else None
    return None


def is_time(series: Any) -> bool:
    """Whether it holds moments, as such or written."""
    pd = pandas()
    if series.dtype.kind == "M" or isinstance(series.dtype, pd.DatetimeTZDtype):
        return True
    if kind_of(series) != "words":
        return False
    first = series.dropna().iloc[0] if series.notna().any() else ""
    if not (6 <= len(first) <= 40 and any(c.isdigit() for c in first)):
        return False
    form = NumberForm.of_texts(series.dropna().head(1000))
    return form is not None and "%Y" in form.format


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", str(text)).lower()


def _stems(table: str) -> set[str]:
    """What one row of a table may be called."""
    plain = _plain(table)
    out = {plain, plain.removesuffix("s"), plain.removesuffix("es")}
    if plain.endswith("ies"):
        out.add(plain[:-3] + "y")
    return {stem for stem in out if stem}


def _fits(column: str, table: str) -> bool:
    """Whether a column is named like the key of a table."""
    plain = _plain(column)
    ends = {stem + end for stem in _stems(table) for end in _ENDS}
    return plain in _PLAIN or plain in ends


def _rank(column: str, table: str) -> int:
    plain = _plain(column)
    return 0 if plain.startswith(tuple(_stems(table))) else 1 + (plain not in ("id", "key"))


def _links(name: str, frames: Mapping[str, Any], keys: Mapping[str, str | None]) -> list[Link]:
    out = []
    frame = frames[name]
    for column in frame.columns:
        if kind_of(frame[column]) is None:
            continue
        found = [
            parent
            for parent, key in keys.items()
            if key is not None and parent != name and _refers(str(column), parent, key)
        ]
        if column == keys[name]:  # a table of the same key, such as details of each row
            found = [p for p in found if _holds(frames, p, keys, frame[column]) == 1.0]
            found = [p for p in found if len(frames[p]) > len(frame)]
        if found:
            shares = {p: _holds(frames, p, keys, frame[column]) for p in found}
            best = max(found, key=lambda p: shares[p])
            _check(f"{name}.{column}", f"{best}.{keys[best]}", shares[best], frames, keys, best)
            out.append(Link(column=str(column), parent=best))
        elif (own := keys[name]) and column != own and _to_itself(str(column), frame, own):
            out.append(Link(column=str(column), parent=name))
    return out


def _refers(column: str, parent: str, key: str) -> bool:
    """customer_id, customerId, customer, billing_customer_id -> customers.id or
    customers.customer_id."""
    plain, own = _plain(column), _plain(key)
    if own not in _PLAIN and plain.endswith(own) and (plain == own or len(own) > 3):
        return True
    ends = {stem + end for stem in _stems(parent) for end in _ENDS}
    return plain in ends or any(plain.endswith(e) for e in ends if len(e) > 5 and e[-2:] == "id")


def _to_itself(column: str, frame: Any, key: str) -> bool:
    plain = _plain(column)
    if not any(word in plain for word in _SELF):
        return False
    there = frame[column].dropna()
    return bool(len(there) and there.isin(frame[key]).mean() > LEAST_SHARED)


def _holds(frames: Mapping[str, Any], parent: str, keys: Mapping[str, Any], series: Any) -> float:
    """The share of a column's values that are keys of a table."""
    there = series.dropna()
    return float(there.isin(frames[parent][keys[parent]]).mean()) if len(there) else 1.0


def _check(
    column: str, key: str, share: float, frames: Mapping[str, Any], keys: Mapping[str, Any], p: str
) -> None:
    if share >= LEAST_SHARED:
        return
    table, _, own = column.partition(".")
    one, other = frames[table][own].dropna(), frames[p][keys[p]]
    raise DataError(
        f"{column} is named for the key {key}, but only {share:.1%} of its values are there "
        f"({_shown(one)} and {_shown(other)}): make the keys alike, or give a schema that says "
        "what it is (--schema FILE.json)"
    )


def _shown(series: Any) -> str:
    return f"{kind_of(series) or series.dtype}, such as {shown(series.iloc[0])}"


def shown(value: Any) -> str:
    """A cell as a person would write it."""
    return repr(value.item() if hasattr(value, "item") else value)


def _gaps(series: Any) -> bool:
    return bool(series.isna().any())
