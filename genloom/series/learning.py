"""From a panel to what the model of steps learns: scales, season, foresight, and one frame.

Knows arrays and frames; trains nothing. Shape legend: N rows, C channels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from genloom.codec.table.dataframes import pandas
from genloom.codec.table.number_form import NumberForm
from genloom.errors import DataError
from genloom.series import plan as planning
from genloom.series.panel import Panel
from genloom.series.plan import GAP, NEXT, Channel, SeriesPlan, new, pull

MOST = 150_000  # rows that the model learns from
LEAST = 30
FARTHEST = 24  # steps to the next known value, at most
_PERIODS = {
    60.0: (60, 1440),
    300.0: (288,),
    600.0: (144,),
    900.0: (96, 672),
    1800.0: (48, 336),
    3600.0: (24, 168),
    86_400.0: (7,),
    604_800.0: (52,),
}
_SEASONAL = 0.1  # autocorrelation from which a period counts
_SKEWED = 1.5
_COMMON = 0.1  # share of one value from which a channel has common values
_DISTINCT = 30


def learn(panel: Panel, columns: Any, seed: int) -> tuple[SeriesPlan, np.ndarray, Any]:
    """The plan, the weights of the foresight [F, C] and the frame. DataError for too few steps."""
    if len(panel.seconds) < LEAST:
        raise DataError(f"{len(panel.seconds)} steps are too few to learn from: give {LEAST}")
    roles = panel.roles
    channels = tuple(channel_of(name, panel.values[:, n]) for n, name in enumerate(roles.channels))
    seen = seen_of(channels, panel.values, panel.starts)
    periods = _periods(roles.step, seen, panel.starts) if roles.step is not None else ()
    lags = sorted({1, 2, 3, *(p + n for p in periods for n in (0, 1))})
    if roles.step is None:
        lags = [1, 2, 3]
    span = float(panel.seconds.max() - panel.seconds.min())
    plan = SeriesPlan(
        roles=roles,
        columns=tuple(map(str, columns)),
        channels=channels,
        lags=tuple(lags),
        period=periods[0] if periods else 0,
        yearly=span > 300 * planning.DAY,
        told=(),
        steps=max(1, round(len(panel.seconds) / max(1, len(panel.names)))),
        owners=len(panel.names),
    )
    lagged = planning.back_of(seen, panel.starts, plan.back)
    good: np.ndarray = np.asarray(~np.isnan(panel.values).any(1))
    weights = _foresight(plan, lagged, panel, seen, good)
    frame, told = frame_of(plan, weights, lagged, panel, seen, seed)
    frame = frame[good].reset_index(drop=True) if channels else frame
    if len(frame) < LEAST:
        raise DataError(f"only {len(frame)} steps have a value in every channel: give {LEAST}")
    if len(frame) > MOST:
        chosen = np.random.default_rng(seed).choice(len(frame), MOST, replace=False)
        frame = frame.iloc[np.sort(chosen)].reset_index(drop=True)
    return replace(plan, told=told), weights, frame


def channel_of(name: str, values: np.ndarray) -> Channel:
    """How a column of numbers is seen."""
    there = values[~np.isnan(values)]
    if not len(there):
        raise DataError(f"column {name!r} has no values: leave it out")
    found, counts = np.unique(there, return_counts=True)
    direct = bool(len(found) <= _DISTINCT or counts.max() > _COMMON * len(there))
    middle, spread = there.mean(), there.std() or 1.0
    skew = float((((there - middle) / spread) ** 3).mean())
    bend = 0.0
    if there.min() >= 0 and skew > _SKEWED:
        bend = float(np.median(there[there > 0])) / 2
    bent = np.arcsinh(there / bend) if bend else there
    form = NumberForm.of_numbers(pandas().Series(there))
    room = 0.5 * float(there.max() - there.min())
    low = max(0.0, float(there.min()) - room) if there.min() >= 0 else float(there.min()) - room
    return Channel(
        name=name,
        bend=bend,
        mean=float(bent.mean()),
        scale=float(bent.std()) or 1.0,
        direct=direct,
        whole=bool((there == np.round(there)).all()),
        decimals=form.decimals,
        low=float(there.min()) if direct else low,
        high=float(there.max()) if direct else float(there.max()) + room,
    )


def seen_of(channels: tuple[Channel, ...], values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """float64 [N, C] as they are seen; what is missing is as it was before, 0 at the beginning."""
    out = np.empty_like(values)
    for place, channel in enumerate(channels):
        out[:, place] = channel.seen(values[:, place])
    begin = np.repeat(starts[:-1], np.diff(starts))
    here = np.arange(len(values))
    for place in range(values.shape[1]):
        known = np.where(np.isnan(out[:, place]), -1, here)
        last = np.maximum.accumulate(known) if len(known) else known
        out[:, place] = np.where(last >= begin, out[np.maximum(last, 0), place], 0.0)
    return out


def _periods(step: float, seen: np.ndarray, starts: np.ndarray) -> tuple[int, ...]:
    """The seasons there are: those that steps of this length usually have, else the one at which
    the series is most like itself."""
    longest = int(np.diff(starts).max())
    usual = _PERIODS.get(step)
    if usual is None and 27 * planning.DAY < step < 32 * planning.DAY:
        usual = (12,)
    if usual is not None:
        able = [p for p in usual if 2 * p + 2 <= longest]
        return tuple(p for p in able if _alike(seen, starts, p) > _SEASONAL)[:2]
    far = min(200, longest // 3)
    if far < 4:
        return ()
    found = np.array([_alike(seen, starts, lag) for lag in range(1, far + 1)])
    peaks = [n for n in range(2, far - 1) if found[n] > found[n - 1] and found[n] >= found[n + 1]]
    best = max(peaks, key=lambda n: found[n], default=None)
    return (best + 1,) if best is not None and found[best] > 0.3 else ()


def _alike(seen: np.ndarray, starts: np.ndarray, lag: int) -> float:
    """The greatest autocorrelation of a channel at a lag."""
    begin = np.repeat(starts[:-1], np.diff(starts))
    here = np.flatnonzero(np.arange(len(seen)) - lag >= begin)
    if len(here) < 10:
        return 0.0
    one, other = seen[here], seen[here - lag]
    one, other = one - one.mean(0), other - other.mean(0)
    scale = np.sqrt((one**2).sum(0) * (other**2).sum(0))
    return float(((one * other).sum(0) / np.maximum(scale, 1e-12)).max(initial=0.0))


def _foresight(
    plan: SeriesPlan, lagged: np.ndarray, panel: Panel, seen: np.ndarray, good: np.ndarray
) -> np.ndarray:
    """Weights [F, C] by ridge regression, of steps that have a past."""
    if not plan.channels:
        return np.zeros((0, 0))
    begin = np.repeat(panel.starts[:-1], np.diff(panel.starts))
    old = np.arange(len(seen)) - begin >= min(plan.lags[-1], plan.steps // 2, 3)
    mine = np.flatnonzero(good & old)
    if len(mine) < 3 * len(plan.lags) * len(plan.channels) + 20:
        return np.zeros((0, 0))
    x = planning.terms(plan, lagged[mine].astype(np.float64), panel.seconds[mine])
    square = x.T @ x + 0.3 * np.eye(x.shape[1])
    found: np.ndarray = np.linalg.solve(square, x.T @ seen[mine])
    return found


def frame_of(
    plan: SeriesPlan,
    weights: np.ndarray,
    lagged: np.ndarray,
    panel: Panel,
    seen: np.ndarray,
    seed: int,
) -> tuple[Any, tuple[str, ...]]:
    """A row a step, and which of its columns are told."""
    pd = pandas()
    roles, starts = panel.roles, panel.starts
    begin = np.repeat(starts[:-1], np.diff(starts))
    here = np.arange(len(seen))
    age = here - begin
    before = np.maximum(here - 1, begin)
    words = panel.words[before].copy()
    words[age == 0] = None
    gap = None
    if roles.step is None:
        between = panel.seconds - panel.seconds[before]
        gap = np.where(age > 1, between[before], np.nan)
    ahead = planning.foreseen(plan, weights, lagged.astype(np.float64), panel.seconds)
    parts: dict[str, Any] = {}
    for name in panel.statics.columns:
        parts[name] = panel.statics[name].iloc[panel.owner].reset_index(drop=True)
    parts |= planning.facts(plan, lagged, ahead, panel.seconds, words, age, gap)
    parts |= _bridges(plan, panel, seen, lagged, ahead, here, starts, seed)
    told = tuple(parts)
    if roles.step is None:
        parts[GAP] = np.where(age > 0, panel.seconds - panel.seconds[before], np.nan)
        later = planning.calendar(plan, panel.seconds)
        parts |= later
        told += tuple(later)
    for place, name in enumerate(roles.categories):
        parts[new(name)] = pd.Series(panel.words[:, place], dtype="str")
    for place, channel in enumerate(plan.channels):
        fresh = panel.values[:, place] if channel.direct else seen[:, place] - ahead[:, place]
        parts[new(channel.name)] = fresh
    return pd.DataFrame(parts), told


def _bridges(
    plan: SeriesPlan,
    panel: Panel,
    seen: np.ndarray,
    lagged: np.ndarray,
    ahead: np.ndarray,
    here: np.ndarray,
    starts: np.ndarray,
    seed: int,
) -> dict[str, np.ndarray]:
    """Of two rows in five, where the series goes next: so many steps on a value is known."""
    rng = np.random.default_rng(seed)
    end = np.repeat(starts[1:], np.diff(starts))
    steps = np.minimum(1 + rng.geometric(0.2, len(here)) - 1, FARTHEST)
    later = here + steps
    known = (rng.random(len(here)) < 0.4) & (later < end)
    place = np.minimum(later, len(here) - 1)
    out: dict[str, np.ndarray] = {NEXT: np.where(known, steps, np.nan)}
    level = lagged[:, 0]
    for n, channel in enumerate(plan.channels):
        there = known & ~np.isnan(panel.values[place, n])
        line = bridge(level[:, n], seen[place, n], steps)
        out[pull(channel.name)] = np.where(there, line - ahead[:, n], np.nan)
    return out


def bridge(level: np.ndarray, goal: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """A straight line from the step before to a goal so many steps after this one, here."""
    return level + (goal - level) / (steps + 1)
