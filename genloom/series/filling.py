"""Gaps of series filled: walked over, told where the series is to be on their other side.

Joins panels and walks; knows no files. Shape legend: N rows, C channels, E series.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from genloom.errors import DataError, UsageError
from genloom.series.forecasting import at_origins
from genloom.series.learning import FARTHEST, seen_of
from genloom.series.model import Series
from genloom.series.panel import Panel
from genloom.series.plan import NEAR


def imputed(series: Series, panel: Panel, seed: int = 0, draws: int = 1) -> np.ndarray:
    """float64 [N, C], the panel's values with what is missing drawn, told what is known before it,
    beside it and after it; draws: how many are averaged, 1 for a draw that spreads as the series
    does. What is there stays. Gaps are filled series by series at the same time."""
    out = panel.values.copy()
    channels = series.plan.channels
    if not channels:
        raise DataError("the model has no channels of numbers to fill")
    starts = panel.starts
    first = _leading(series, panel, out)
    walker = series.walker(seed)
    gaps = _gaps(np.isnan(out) & ~first, starts)
    later, away = _next_known(series, panel)
    length = np.array([stop - start for start, stop in gaps], np.int64)
    rows = np.array([start for start, _ in gaps], np.int64)
    if not len(gaps):
        return out
    # Gaps whose past has none go together; what they drew is the past of the next ones.
    for wave in _waves(rows, length, panel.owner):
        mine = replace(panel, values=out)
        walks = at_origins(walker, mine, rows[wave], rows[wave]).repeated(draws)
        for step in range(int(length[wave].max())):
            live = step < length[wave]
            at = np.minimum(rows[wave] + step, len(out) - 1)
            known = np.where(live[:, None], panel.values[at], np.nan).repeat(draws, 0)
            goal = seen_or(later[at], live).repeat(draws, 0)
            steps = away[at].repeat(draws)
            values, _ = walker.step(walks, (goal, steps), known)
            drawn = values.reshape(len(wave), draws, -1).mean(1)
            hole = np.isnan(panel.values[at]) & live[:, None]
            out[at] = np.where(hole, drawn, out[at])
    for place, channel in enumerate(channels):
        holes = np.isnan(panel.values[:, place])
        out[holes, place] = channel.tidy(out[holes, place])
    return out


def seen_or(later: np.ndarray, live: np.ndarray) -> np.ndarray:
    """What is to come, nothing for walks that are over."""
    return np.where(live[:, None], later, np.nan)


def _leading(series: Series, panel: Panel, out: np.ndarray) -> np.ndarray:
    """Gaps at the beginning of a series get the first value there is: bool [N, C], where."""
    first = np.zeros(out.shape, bool)
    for begin, end in pairwise(panel.starts):
        for place, channel in enumerate(series.plan.channels):
            known = np.flatnonzero(~np.isnan(out[begin:end, place]))
            stop = begin + (known[0] if len(known) else end - begin)
            middle = channel.value(np.zeros(1))[0]
            out[begin:stop, place] = out[stop, place] if len(known) else middle
            first[begin:stop, place] = True
    return first


def _gaps(holes: np.ndarray, starts: np.ndarray) -> list[tuple[int, int]]:
    """Runs of rows in which some channel is missing, [start, stop), within one series."""
    any_hole: np.ndarray = np.asarray(holes.any(1))
    edge = np.zeros(len(any_hole) + 1, bool)
    edge[starts] = True
    out = []
    start = None
    for row, missing in enumerate(any_hole):
        if start is not None and (not missing or edge[row]):
            out.append((start, row))
            start = None
        if missing and start is None:
            start = row
    if start is not None:
        out.append((start, len(any_hole)))
    return out


def _next_known(series: Series, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Of each row the next known values after it, as seen [N, C] (NaN where too far), and how many
    steps on they are, int64 [N]: those of the nearest row that has one of a channel that is
    missing here."""
    seen = seen_of(series.plan.channels, panel.values, panel.starts)
    count = len(seen)
    later = np.full(seen.shape, np.nan)
    away = np.zeros(count, np.int64)
    end = np.repeat(panel.starts[1:], np.diff(panel.starts))
    holes = np.isnan(panel.values)
    for place in range(seen.shape[1]):
        known = np.where(holes[:, place], count, np.arange(count))
        after = np.minimum.accumulate(known[::-1])[::-1]
        after = np.append(after[1:], count)
        steps = after - np.arange(count)
        there = (after < end) & (steps <= 4 * FARTHEST) & holes[:, place]
        later[there, place] = seen[np.minimum(after, count - 1)[there], place]
        away = np.where(there, np.maximum(away, np.minimum(steps, FARTHEST)), away)
    return later, away


def _waves(rows: np.ndarray, length: np.ndarray, owner: np.ndarray) -> list[np.ndarray]:
    """Gaps in groups: one that is in the near past of another is filled before it."""
    rank = np.zeros(len(rows), np.int64)
    last: dict[int, tuple[int, int]] = {}
    for number, row in enumerate(rows):
        whose = int(owner[row])
        if whose in last:
            stop, before = last[whose]
            rank[number] = before + 1 if row - stop < NEAR else before
        last[whose] = (int(row + length[number]), int(rank[number]))
    return [np.flatnonzero(rank == one) for one in np.unique(rank)]


def fill(series: Series, panel: Panel, columns: Any = None, seed: int = 0) -> Any:
    """The panel as a table without gaps, every step in its place. columns: channels whose gaps are
    filled, by default all. UsageError for what is no channel."""
    names = [channel.name for channel in series.plan.channels]
    for name in columns or ():
        if name not in names:
            raise UsageError(
                f"{name!r} is no channel that can be filled: choose {', '.join(names)}"
            )
    values = imputed(series, panel, seed)
    if columns is not None:
        still = [place for place, name in enumerate(names) if name not in columns]
        values[:, still] = panel.values[:, still]
    return series.frame(panel.owner, panel.seconds, values, panel.words, panel.names, panel.statics)
