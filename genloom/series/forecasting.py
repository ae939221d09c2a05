"""What comes next in series that are given: many paths walked on, told as quantiles.

Intervals are corrected on windows of the given history whose end is known, so that they hold the
share they claim (conformalised quantile regression: Romano, Patterson & Candes 2019, with the
interval's own width as the measure). Joins panels and walks; knows no files.
Shape legend: E series, W windows, M paths, H steps ahead, C channels, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from genloom.codec.table.dataframes import pandas
from genloom.errors import DataError, UsageError
from genloom.series.learning import seen_of
from genloom.series.model import Series
from genloom.series.panel import Panel, on_grid, stamps
from genloom.series.training import read_series
from genloom.series.walking import Walker, Walks

PATHS = 200
WINDOWS = 60  # of the history, by which intervals are corrected
LEAST_WINDOWS = 8
MOST_STEPS = 10_000
_TOGETHER = 8192  # walks of a step
_SHOWN = 9  # digits after the point of columns that have any number of them
_NEAR = 2  # steps ahead on either side whose errors count for one


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """seconds float64 [E, H]; mean float64 [E, H, C]; quantiles float64 [E, H, C, Q] at `levels`,
    corrected; raw: as the paths have them; windows: by how many they were corrected."""

    seconds: np.ndarray
    mean: np.ndarray
    quantiles: np.ndarray
    raw: np.ndarray
    levels: tuple[float, ...]
    windows: int


def levels_of(coverages: Sequence[float]) -> tuple[float, ...]:
    """The ends of intervals that are to hold these shares, and the median. UsageError for a share
    that is none."""
    for one in coverages:
        if not 0 < one < 1:
            raise UsageError(f"coverage {one}: a share between 0 and 1 is expected")
    ends = {0.5, *((1 - c) / 2 for c in coverages), *((1 + c) / 2 for c in coverages)}
    return tuple(sorted(round(end, 6) for end in ends))


def forecast(
    series: Series,
    panel: Panel,
    horizon: int,
    *,
    coverages: Sequence[float] = (0.8, 0.9),
    paths: int = PATHS,
    windows: int = WINDOWS,
    seed: int = 0,
) -> Foretold:
    """`horizon` steps on from the end of each series. windows: of the history to correct by, as
    many as it has room for; 0 leaves the intervals as they are drawn."""
    if not 1 <= horizon <= MOST_STEPS:
        raise UsageError(f"horizon {horizon}: 1 to {MOST_STEPS:,} steps are expected")
    levels = levels_of(coverages)
    walker = series.walker(seed)
    ends = panel.starts[1:]
    origins, truth = _windows(series, panel, horizon, windows)
    scores = None
    if len(origins) >= LEAST_WINDOWS:
        drawn, _ = paths_from(walker, panel, origins, horizon, max(50, paths // 2))
        scores = _scores(np.quantile(drawn, levels, axis=1), truth, levels)
    drawn, seconds = paths_from(walker, panel, ends, horizon, paths)
    raw = np.moveaxis(np.quantile(drawn, levels, axis=1), 0, -1)
    fixed = raw if scores is None else corrected(raw, scores, levels)
    for place, channel in enumerate(series.plan.channels):
        fixed[:, :, place] = np.clip(fixed[:, :, place], channel.low, channel.high)
    return Foretold(
        seconds=seconds,
        mean=drawn.mean(1),
        quantiles=fixed,
        raw=raw,
        levels=levels,
        windows=0 if scores is None else len(origins),
    )


def paths_from(
    walker: Walker, panel: Panel, origins: np.ndarray, horizon: int, paths: int
) -> tuple[np.ndarray, np.ndarray]:
    """(values float64 [W, M, H, C], seconds float64 [W, H] of the first path) of walks that go on
    after the rows before each origin, a place in the panel."""
    channels = len(walker.plan.channels)
    out = np.empty((len(origins), paths, horizon, channels))
    seconds = np.empty((len(origins), horizon))
    each = max(1, _TOGETHER // paths)
    for start in range(0, len(origins), each):
        mine = origins[start : start + each]
        walks = at_origins(walker, panel, mine, np.arange(start, start + len(mine)))
        walks = walks.repeated(paths)
        for step in range(horizon):
            values, _ = walker.step(walks)
            out[start : start + each, :, step] = values.reshape(len(mine), paths, channels)
            seconds[start : start + each, step] = walks.seconds.reshape(len(mine), paths)[:, 0]
    return out, seconds


def at_origins(walker: Walker, panel: Panel, origins: np.ndarray, numbers: np.ndarray) -> Walks:
    """Walks that have come to the row before each origin."""
    plan = walker.plan
    owner = panel.owner[origins - 1]
    begin = panel.starts[owner]
    depth = plan.depth
    statics = panel.statics.iloc[owner] if len(panel.statics.columns) else panel.statics
    if not len(panel.statics.columns):
        statics = pandas().DataFrame(index=range(len(origins)))
    walks = walker.fresh(statics, panel.seconds[origins - 1], numbers)
    seen = _seen(walker, panel)
    for lag in range(depth):
        walks.past[:, lag] = seen[np.maximum(origins - 1 - lag, begin)]
    walks.age = origins - begin
    before = np.maximum(origins - 2, begin)
    gap = panel.seconds[origins - 1] - panel.seconds[before]
    walks.gap = np.where(walks.age > 1, gap, np.nan)
    walks.words = panel.words[origins - 1].copy()
    return walks


def _seen(walker: Walker, panel: Panel) -> np.ndarray:
    return seen_of(walker.plan.channels, panel.values, panel.starts)


def _windows(
    series: Series, panel: Panel, horizon: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Origins in the history whose next `horizon` rows are known, the latest of each series, and
    these rows: float64 [W, H, C]."""
    starts = panel.starts
    least = max(series.plan.depth, 10)
    found: list[int] = []
    share = max(1, most // max(1, len(starts) - 1)) if most else 0
    for begin, end in pairwise(starts):
        first, last = begin + least, end - horizon
        if share and last >= first:
            stride = max(1, min(horizon, (last - first) // share))
            found += list(range(last, first - 1, -stride))[:share]
    origins = np.array(sorted(found[: max(most, 0)]), np.int64)
    truth = panel.values[origins[:, None] + np.arange(horizon)] if len(origins) else np.zeros(0)
    return origins, truth


def _scores(quantiles: np.ndarray, truth: np.ndarray, levels: tuple[float, ...]) -> Any:
    """Of each interval how far the truth lies outside of it, in widths: float64 [W, H, C] by the
    interval's number; negative inside. quantiles float64 [Q, W, H, C]."""
    out = {}
    for one in range(len(levels) // 2):
        low, high = quantiles[one], quantiles[-1 - one]
        width = np.maximum(high - low, 1e-9 + 1e-6 * np.abs(high))
        out[one] = np.maximum(low - truth, truth - high) / width
    return out


def corrected(raw: np.ndarray, scores: Any, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles [E, H, C, Q] with every interval widened or narrowed as its scores ask."""
    out = raw.copy()
    horizon, channels = raw.shape[1:3]
    for one, score in scores.items():
        coverage = levels[-1 - one] - levels[one]
        for step in range(horizon):
            near = score[:, max(0, step - _NEAR) : step + _NEAR + 1]
            for channel in range(channels):
                known = near[:, :, channel]
                known = known[~np.isnan(known)]
                if len(known) < LEAST_WINDOWS:
                    continue
                rank = min(1.0, np.ceil((len(known) + 1) * coverage) / len(known))
                moved = float(np.quantile(known, rank, method="higher"))
                width = raw[:, step, channel, -1 - one] - raw[:, step, channel, one]
                out[:, step, channel, one] -= moved * width
                out[:, step, channel, -1 - one] += moved * width
    middle = out[..., len(levels) // 2 : len(levels) // 2 + 1]
    half = len(levels) // 2
    out[..., :half] = np.minimum(out[..., :half], middle)
    out[..., half + 1 :] = np.maximum(out[..., half + 1 :], middle)
    return np.sort(out, axis=-1)


# --- as tables ------------------------------------------------------------------------------------


def told(series: Series, panel: Panel, found: Foretold) -> Any:
    """A row a step ahead: whose, when, and of each channel the median, the mean and the quantiles
    (`NAME_q10`)."""
    pd = pandas()
    owners, horizon = found.seconds.shape
    roles = series.plan.roles
    columns: dict[str, Any] = {}
    if roles.entity is not None:
        columns[roles.entity] = panel.names.iloc[np.repeat(np.arange(owners), horizon)].to_numpy()
    columns[roles.time or "time"] = stamps(found.seconds.ravel(), panel.roles.zone)
    middle = found.levels.index(0.5)
    for place, channel in enumerate(series.plan.channels):
        digits = _SHOWN if channel.decimals is None else max(0, channel.decimals) + 2
        columns[channel.name] = found.quantiles[:, :, place, middle].ravel().round(digits)
        columns[f"{channel.name}_mean"] = found.mean[:, :, place].ravel().round(digits)
        for n, level in enumerate(found.levels):
            if level != 0.5:
                name = f"{channel.name}_q{100 * level:g}"
                columns[name] = found.quantiles[:, :, place, n].ravel().round(digits)
    return pd.DataFrame(columns)


def given(series: Series, data: Any, repeats: Any = "refuse") -> Panel:
    """History as the model was taught it: on its own grid where it has one. DataError otherwise."""
    roles = series.plan.roles
    panel, frame, _ = read_series(data, repeats=repeats, roles=roles)
    gone = [c for c in (*roles.channels, *roles.statics) if c not in frame.columns]
    if gone:
        raise DataError(f"the history lacks the columns {', '.join(gone)}: add them")
    if roles.step is not None and panel.roles.step != roles.step:
        panel = on_grid(panel, roles.step)
        if panel.roles.step != roles.step:
            raise DataError(f"the history is not in steps of {roles.step:g} s, as was learnt")
    return panel
