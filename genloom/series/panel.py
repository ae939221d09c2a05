"""A table of steps as arrays: who, when, and the values, in order of time.

Finds out which column is which, sorts, and refuses or mends what cannot be: repeated moments, mixed
zones, an order that is none. Knows frames; learns nothing.
Shape legend: N rows, C channels, K categorical channels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from genloom.codec.table.dataframes import as_frame, pandas
from genloom.errors import DataError, UsageError
from genloom.linked.detecting import is_time, kind_of, shown

Repeats = Literal["refuse", "first", "mean"]
PARTS = ("year", "month", "day", "hour", "minute", "second")
_NAMED = {"id", "entity", "series", "station", "item", "unit", "patient", "customer", "account"}
_REGULAR = 0.9  # of the gaps that are a whole number of the commonest one
_FULL = 0.5  # of a regular grid that must be there
_MOST_CATEGORIES = 200


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which column is what. parts: columns that make up the time together, in place of `time`.
    zone: of the times, "" where they have none. step: seconds of a regular series."""

    time: str | None
    entity: str | None
    channels: tuple[str, ...]
    categories: tuple[str, ...] = ()
    statics: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    zone: str = ""
    step: float | None = None


@dataclass(kw_only=True)
class Panel:
    """owner int64 [N], from 0, rows of one beside each other; seconds float64 [N] since 1970,
    ascending in an owner; values float64 [N, C]; words object [N, K]; names: of the owners;
    statics: a row an owner."""

    roles: Roles
    owner: np.ndarray
    seconds: np.ndarray
    values: np.ndarray
    words: np.ndarray
    names: Any
    statics: Any
    notes: tuple[str, ...] = ()

    @property
    def starts(self) -> np.ndarray:
        """int64 [owners + 1], where each begins."""
        count = int(self.owner.max(initial=-1)) + 1
        return np.searchsorted(self.owner, np.arange(count + 1))


def roles_of(
    frame: Any, time: str | None = None, entity: str | None = None, parts: Sequence[str] = ()
) -> Roles:
    """What the columns are, but for the step. UsageError where a name is wrong, DataError where
    there is no time."""
    columns = list(map(str, frame.columns))
    for name in (time, entity, *parts):
        if name is not None and name not in columns:
            raise UsageError(f"there is no column {name!r}: choose {', '.join(columns)}")
    if time is None and not parts:
        time = next((c for c in columns if is_time(frame[c])), None)
        if time is None:
            known = {c.lower(): c for c in columns}
            parts = tuple(known[p] for p in PARTS if p in known)
            if [p.lower() for p in parts[:3]] != list(PARTS[:3]):
                raise DataError(
                    f"no column of {', '.join(columns)} is a time: name one with --time, in a form "
                    "such as 2024-05-31 13:00"
                )
    taken = {time, *parts}
    if entity is None:
        entity = _entity(frame, [c for c in columns if c not in taken], time, parts)
    rest = [c for c in columns if c not in taken and c != entity]
    still = set(_still(frame, entity, rest)) if entity is not None else set()
    left = [c for c in rest if c not in still and _tells_nothing(frame[c])]
    rest = [c for c in rest if c not in left]
    numbers = [c for c in rest if frame[c].dtype.kind in "iuf" and c not in still]
    words = [c for c in rest if c not in numbers and c not in still]
    if not numbers and not words:
        raise DataError(f"nothing but times in {', '.join(columns)}: give a column that changes")
    return Roles(
        time=time,
        entity=entity,
        channels=tuple(numbers),
        categories=tuple(words),
        statics=tuple(c for c in rest if c in still),
        left=tuple(left),
        parts=tuple(parts),
    )


def _entity(frame: Any, columns: list[str], time: str | None, parts: Sequence[str]) -> str | None:
    """A column of which each value has times of its own: one that is named like an identifier, or
    any where times repeat."""
    key = [time] if time is not None else list(parts)
    repeated = bool(frame.duplicated(subset=key).any())
    able = []
    for name in columns:
        if kind_of(frame[name]) is None or frame[name].isna().any():
            continue
        again = frame.duplicated(subset=[name, *key]).mean()
        words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)
        named = bool(words) and words[-1].lower() in _NAMED
        if not (named or repeated) or frame[name].nunique() < 2:
            continue
        if again < 0.01 and frame[name].nunique() < len(frame) / 2:
            able.append((not named, frame[name].dtype.kind in "iuf", columns.index(name), name))
    return min(able)[3] if able else None


def _still(frame: Any, entity: str, columns: list[str]) -> list[str]:
    """Columns of which each entity has one value."""
    if not columns or frame[entity].nunique() < 2:
        return []
    most = frame.groupby(entity, sort=False)[columns].nunique(dropna=False).max()
    return [name for name in columns if int(most[name]) <= 1]


def _tells_nothing(series: Any) -> bool:
    """Row numbers, free texts, and what never changes."""
    if series.nunique(dropna=False) <= 1:
        return True
    if series.dtype.kind in "iu":
        steps = np.diff(series.to_numpy())
        return bool(len(steps) and (steps == steps[0]).all() and steps[0] != 0)
    return series.dtype.kind not in "fb" and series.nunique() > _MOST_CATEGORIES


# --- times ----------------------------------------------------------------------------------------


def seconds_of(frame: Any, roles: Roles) -> tuple[np.ndarray, str, list[str]]:
    """float64 [N] seconds since 1970, the zone, and what was taken otherwise."""
    pd = pandas()
    if roles.parts:
        named = {p: c for p in PARTS for c in roles.parts if c.lower() == p}
        whole = pd.to_datetime(
            pd.DataFrame({part: frame[column] for part, column in named.items()}), errors="coerce"
        )
        return _checked(whole, frame, roles), "", []
    series = frame[roles.time]
    if series.dtype.kind == "M" or isinstance(series.dtype, pd.DatetimeTZDtype):
        zone = str(series.dt.tz) if series.dt.tz is not None else ""
        return _checked(series, frame, roles), zone, []
    texts = series.astype(object)
    offset = texts.dropna().astype(str).str.extract(r"(Z|[+-]\d\d:?\d\d)$")[0]
    if offset.notna().any():
        if offset.isna().any():
            raise DataError(
                f"{int(offset.isna().sum()):,} of {len(offset):,} times of {roles.time} have no "
                "zone and the others have one: give all of them a zone, or none"
            )
        found = pd.to_datetime(texts, utc=True, errors="coerce", format="ISO8601")
        zones = sorted(offset.unique())
        many = len(zones) > 1
        note = [f"{roles.time} mixes the zones {', '.join(zones[:4])}: all are taken as UTC"]
        return _checked(found, frame, roles), "UTC", note if many else []
    found = pd.to_datetime(texts, errors="coerce", format="mixed")
    return _checked(found, frame, roles), "", []


def _checked(series: Any, frame: Any, roles: Roles) -> np.ndarray:
    gone = series.isna()
    if gone.any():
        name = roles.time or ", ".join(roles.parts)
        first = frame.loc[gone.to_numpy(), roles.time].iloc[0] if roles.time else "a missing part"
        raise DataError(
            f"{int(gone.sum()):,} of {len(series):,} times of {name} cannot be read (such as "
            f"{shown(first)}): write them like 2024-05-31 13:00"
        )
    pd = pandas()
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(series.astype("datetime64[ns]").astype("int64"), np.float64) / 1e9


def stamps(seconds: np.ndarray, zone: str) -> Any:
    """A series of datetimes, in the zone where there is one."""
    pd = pandas()
    found = pd.Series(np.round(seconds * 1e6).astype(np.int64).view("datetime64[us]"))
    return found.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else found


# --- the panel ------------------------------------------------------------------------------------


def panel_of(frame: Any, roles: Roles, repeats: Repeats = "refuse", grid: bool = True) -> Panel:
    """The rows in order. grid: find out whether they are regular, and then put in what is missing
    between. DataError for moments that repeat, with a word on daylight saving where that is it."""
    pd = pandas()
    frame = as_frame(frame).reset_index(drop=True)
    needed = [n for n in (roles.time, roles.entity, *roles.parts) if n is not None]
    if gone := [name for name in needed if name not in frame.columns]:
        raise DataError(f"the rows lack the column {gone[0]!r}: add it")
    seconds, zone, notes = seconds_of(frame, roles)
    owner, names = _owners(frame, roles)
    order = np.lexsort((np.arange(len(frame)), seconds, owner))
    moved = int((np.lexsort((np.arange(len(frame)), owner)) != order).sum())
    if moved:
        notes.append(f"{moved:,} rows were out of the order of time: sorted")
    frame, owner, seconds = frame.iloc[order].reset_index(drop=True), owner[order], seconds[order]
    again = np.r_[False, (owner[1:] == owner[:-1]) & (seconds[1:] == seconds[:-1])]
    if again.any():
        frame, owner, seconds = _once(frame, roles, owner, seconds, again, repeats, notes)
    values = np.full((len(frame), len(roles.channels)), np.nan)
    for place, name in enumerate(roles.channels):
        if name in frame.columns:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            values[:, place] = numbers.to_numpy(np.float64, na_value=np.nan)
    values[~np.isfinite(values)] = np.nan
    words = np.full((len(frame), len(roles.categories)), None, dtype=object)
    for place, name in enumerate(roles.categories):
        if name in frame.columns:
            series = frame[name].astype(object)
            words[:, place] = [
                None if gone else str(w) for w, gone in zip(series, series.isna(), strict=True)
            ]
    firsts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    statics = frame.iloc[firsts][[n for n in roles.statics if n in frame.columns]]
    out = Panel(
        roles=replace(roles, zone=zone),
        owner=owner,
        seconds=seconds,
        values=values,
        words=words,
        names=names,
        statics=statics.reset_index(drop=True),
        notes=tuple(notes),
    )
    return regular(out) if grid else out


def _owners(frame: Any, roles: Roles) -> tuple[np.ndarray, Any]:
    pd = pandas()
    if roles.entity is None:
        return np.zeros(len(frame), np.int64), pd.Series(["0"])
    codes, names = pd.factorize(frame[roles.entity])
    if (codes < 0).any():
        raise DataError(f"{int((codes < 0).sum()):,} rows have no {roles.entity}: fill them in")
    return codes.astype(np.int64), pd.Series(names)


def _once(
    frame: Any,
    roles: Roles,
    owner: np.ndarray,
    seconds: np.ndarray,
    again: np.ndarray,
    repeats: Repeats,
    notes: list[str],
) -> tuple[Any, np.ndarray, np.ndarray]:
    count = int(again.sum())
    where = stamps(seconds[again][:1], "").iloc[0]
    if repeats == "refuse":
        autumn = stamps(seconds[again], "").dt
        likely = bool(autumn.month.isin([10, 11, 4]).all() and (autumn.hour <= 3).all())
        why = "an hour that daylight saving repeats? give times in UTC; or " if likely else ""
        raise DataError(
            f"{count:,} times come twice (such as {where}): {why}"
            "keep one of each with --repeats first, their mean with --repeats mean"
            + ("" if roles.entity else ", or name whose they are with --entity COLUMN")
        )
    if repeats == "mean":
        group = np.cumsum(~again)
        for name in roles.channels:
            frame[name] = frame[name].astype("float64").groupby(group).transform("mean")
    notes.append(
        f"{count:,} times came twice: {'their mean' if repeats == 'mean' else 'the first'} is kept"
    )
    return frame[~again].reset_index(drop=True), owner[~again], seconds[~again]


def regular(panel: Panel) -> Panel:
    """With the step of a series that has one, and what is missing between put in."""
    same = panel.owner[1:] == panel.owner[:-1]
    gaps = np.diff(panel.seconds)[same]
    if not len(gaps):
        return panel
    found, counts = np.unique(np.round(gaps, 3), return_counts=True)
    step = float(found[counts.argmax()])
    if step <= 0:
        return panel
    whole = np.abs(gaps / step - np.round(gaps / step)) < 1e-3
    if whole.mean() < _REGULAR or len(gaps) / max(1.0, float(np.round(gaps / step).sum())) < _FULL:
        return panel
    return on_grid(panel, step)


def on_grid(panel: Panel, step: float) -> Panel:
    """Every step of each owner from its first to its last; rows that are off the grid are left."""
    starts = panel.starts
    first = panel.seconds[starts[:-1]]
    at = np.round((panel.seconds - first[panel.owner]) / step).astype(np.int64)
    keep = np.r_[True, (panel.owner[1:] != panel.owner[:-1]) | (at[1:] != at[:-1])]
    at, owner = at[keep], panel.owner[keep]
    length = at[np.r_[np.flatnonzero(np.diff(owner)), len(owner) - 1]] + 1
    begin = np.cumsum(length) - length
    place = begin[owner] + at
    total = int(length.sum())
    if total > 20 * len(owner) + 1000:
        return panel
    values = np.full((total, panel.values.shape[1]), np.nan)
    words = np.full((total, panel.words.shape[1]), None, dtype=object)
    values[place], words[place] = panel.values[keep], panel.words[keep]
    whose = np.repeat(np.arange(len(length)), length)
    within = np.arange(total) - begin[whose]
    missing = total - len(place)
    notes = (*panel.notes, f"{missing:,} steps between are missing") if missing else panel.notes
    return Panel(
        roles=replace(panel.roles, step=step),
        owner=whose,
        seconds=first[whose] + step * within,
        values=values,
        words=words,
        names=panel.names,
        statics=panel.statics,
        notes=notes,
    )
