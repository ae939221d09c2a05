"""What is remembered of a kind of series: its columns, its channels' scales, lags and calendar.

Values that go to JSON and back; the linear foresight is an array beside them. Names of derived
columns are made here alone. Shape legend: N rows, C channels, G lags, F terms of the foresight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genloom.codec.table.dataframes import pandas
from genloom.series.panel import Roles

NEAR = 7  # steps back by which the present is told
DAY = 86_400.0
GAP, GAP_BEFORE, AGE, NEXT = "time/gap", "time/gap before", "time/age", "next/steps"
OLDEST = 4  # steps after which a series is no longer told to be young
_FEW = 4  # channels up to which each is told in full
_LIMIT = 8.0


def new(name: str) -> str:
    """The column that is drawn."""
    return f"{name}/new"


def pull(name: str) -> str:
    """How far a straight line to the next known value lies from what is foreseen."""
    return f"{name}/pull"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A column of numbers. bend: where above 0, values are seen as asinh(x / bend). mean, scale: of
    what is seen. direct: the value itself is drawn, not what is new in it: it has common values.
    decimals: that are written; low, high: that may come out."""

    name: str
    bend: float
    mean: float
    scale: float
    direct: bool
    whole: bool
    decimals: int | None
    low: float
    high: float

    def seen(self, x: np.ndarray) -> np.ndarray:
        bent = np.arcsinh(x / self.bend) if self.bend else x
        return (bent - self.mean) / self.scale

    def value(self, z: np.ndarray) -> np.ndarray:
        """The inverse, within what may come out and with the decimals of the column."""
        bent = z * self.scale + self.mean
        return self.tidy(np.sinh(bent) * self.bend if self.bend else bent)

    def tidy(self, x: np.ndarray) -> np.ndarray:
        x = np.clip(x, self.low, self.high)
        return x if self.decimals is None else np.round(x, self.decimals)


@dataclass(frozen=True, kw_only=True)
class SeriesPlan:
    """lags: steps back that the foresight is of. period: of the season that is told, 0 for none.
    steps: of a series on average; owners: how many were learnt from."""

    roles: Roles
    columns: tuple[str, ...]
    channels: tuple[Channel, ...]
    lags: tuple[int, ...]
    period: int
    yearly: bool
    told: tuple[str, ...]
    steps: int
    owners: int

    @property
    def back(self) -> tuple[int, ...]:
        """Every lag that is looked at, ascending."""
        return tuple(
            sorted({*self.lags, *range(1, NEAR + 1), *([self.period] if self.period else [])})
        )

    @property
    def depth(self) -> int:
        return self.back[-1]

    @property
    def full(self) -> bool:
        return len(self.channels) <= _FEW

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SeriesPlan:
        known: dict[str, Any] = dict(values)
        roles: dict[str, Any] = dict(values["roles"])
        for name in ("channels", "categories", "statics", "left", "parts"):
            roles[name] = tuple(roles[name])
        known["roles"] = Roles(**roles)
        known["channels"] = tuple(Channel(**one) for one in values["channels"])
        for name in ("columns", "lags", "told"):
            known[name] = tuple(known[name])
        return cls(**known)


# --- what a step is told --------------------------------------------------------------------------


def terms(plan: SeriesPlan, lagged: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """float64 [N, F], what the foresight is linear in. lagged float [N, G, C], by `plan.back`."""
    place = [plan.back.index(lag) for lag in plan.lags]
    parts = [lagged[:, place].reshape(len(lagged), -1), np.ones((len(lagged), 1))]
    if plan.roles.step is None:  # it is not known yet when the step is
        return np.concatenate(parts, 1)
    if plan.roles.step < DAY:
        parts.append(_waves(seconds / DAY, 2))
    if plan.roles.step <= DAY:
        weekday = ((seconds // DAY + 3) % 7).astype(np.int64)
        parts.append(np.eye(7)[weekday])
    if plan.yearly:
        parts.append(_waves(seconds / (365.2425 * DAY), 2))
    return np.concatenate(parts, 1)


def _waves(turns: np.ndarray, count: int) -> np.ndarray:
    angle = 2 * np.pi * turns[:, None] * np.arange(1, count + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], 1)


def foreseen(
    plan: SeriesPlan, weights: np.ndarray, lagged: np.ndarray, seconds: np.ndarray
) -> np.ndarray:
    """float64 [N, C] from weights [F, C]."""
    if not weights.size:
        return np.zeros((len(lagged), len(plan.channels)))
    return np.clip(terms(plan, lagged, seconds) @ weights, -_LIMIT, _LIMIT)


def facts(
    plan: SeriesPlan,
    lagged: np.ndarray,
    ahead: np.ndarray,
    seconds: np.ndarray,
    words: np.ndarray,
    age: np.ndarray,
    gap: np.ndarray | None,
) -> dict[str, Any]:
    """The told columns but for attributes, the pull and what is next. ahead [N, C]: the foresight;
    words object [N, K]: of the step before; gap: seconds before it, of irregular series."""
    pd = pandas()
    out: dict[str, Any] = {AGE: np.minimum(age, OLDEST)}
    if gap is not None:
        out[GAP_BEFORE] = gap
    else:
        out |= calendar(plan, seconds)
    at = {lag: n for n, lag in enumerate(plan.back)}
    diffs = np.abs(np.diff(lagged[:, :NEAR], axis=1)).mean(1)
    for place, channel in enumerate(plan.channels):
        name, level = channel.name, lagged[:, 0, place]
        out[f"{name}/level"] = level
        out[f"{name}/slope"] = level - lagged[:, 1, place]
        out[f"{name}/busy"] = diffs[:, place]
        out[f"{name}/ahead"] = ahead[:, place] - level
        if plan.period and plan.full:
            out[f"{name}/season"] = lagged[:, at[plan.period], place] - level
    for place, name in enumerate(plan.roles.categories):
        out[f"{name}/before"] = pd.Series(words[:, place], dtype="str")
    return out


def calendar(plan: SeriesPlan, seconds: np.ndarray) -> dict[str, np.ndarray]:
    """Where in the year, the week and the day a step lies."""
    days = seconds // DAY
    out = {}
    if plan.yearly:
        out["time/month"] = (
            days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        )
    if plan.roles.step is None or plan.roles.step <= DAY:
        out["time/weekday"] = ((days + 3) % 7).astype(np.int64)
    if plan.roles.step is None or plan.roles.step < DAY:
        out["time/hour"] = (seconds % DAY // 3600).astype(np.int64)
    return out


def back_of(values: np.ndarray, starts: np.ndarray, back: tuple[int, ...]) -> np.ndarray:
    """float32 [N, G, C] from seen values [N, C] of owners that begin at `starts`: so many steps
    before each; the oldest there is where there are fewer, 0 at the first step."""
    count = len(values)
    begin = np.repeat(starts[:-1], np.diff(starts))
    here = np.arange(count)
    out = np.empty((count, len(back), values.shape[1]), np.float32)
    for place, lag in enumerate(back):
        out[:, place] = values[np.maximum(here - lag, begin)]
    out[starts[:-1]] = 0.0
    return out
