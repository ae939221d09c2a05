"""Many series walked on together, a step at a time: told what was before, each draws what is new.

The one loop behind generating, foretelling and filling. What a walk draws depends on the seed and
on its number alone. Knows a plan and a model of rows; no files.
Shape legend: R walks, D steps that are remembered, C channels, K categorical channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genloom.codec.table.dataframes import pandas
from genloom.engine import rows as engine
from genloom.linked.cells import Cells
from genloom.series import plan as planning
from genloom.series.learning import bridge
from genloom.series.plan import GAP, NEXT, SeriesPlan, new, pull

_STRIDE = 1 << 24  # numbers of steps of a walk
_REACH = 0.5  # share of a regular step by which clocks may be off


@dataclass(kw_only=True)
class Walks:
    """past float64 [R, D, C], the latest first, as values are seen; words object [R, K]; seconds
    float64 [R], of the latest step; gap float64 [R], before it; age int64 [R], steps so far;
    statics: a row a walk; numbers int64 [R]."""

    past: np.ndarray
    words: np.ndarray
    seconds: np.ndarray
    gap: np.ndarray
    age: np.ndarray
    statics: Any
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.age)

    def repeated(self, times: int) -> Walks:
        """Each of them so many times, with numbers of their own."""
        rows = np.repeat(np.arange(len(self)), times)
        return Walks(
            past=self.past[rows],
            words=self.words[rows],
            seconds=self.seconds[rows],
            gap=self.gap[rows],
            age=self.age[rows],
            statics=self.statics.iloc[rows].reset_index(drop=True),
            numbers=self.numbers[rows] * times + np.tile(np.arange(times), len(self)),
        )


class Walker:
    """A model of steps at work. told: attributes of walks are put into ids once."""

    def __init__(self, plan: SeriesPlan, weights: np.ndarray, model: Any, seed: int) -> None:
        self.plan, self.weights, self.model, self.seed = plan, weights, model, seed
        self.cells = Cells(model.codec)
        self._base: Any = None
        self._of: Any = None

    def fresh(self, statics: Any, seconds: np.ndarray, numbers: np.ndarray) -> Walks:
        """Walks without a past; seconds: of the step before their first, where that counts."""
        count, plan = len(numbers), self.plan
        return Walks(
            past=np.zeros((count, plan.depth, len(plan.channels))),
            words=np.full((count, len(plan.roles.categories)), None, dtype=object),
            seconds=seconds.astype(np.float64),
            gap=np.full(count, np.nan),
            age=np.zeros(count, np.int64),
            statics=statics.reset_index(drop=True),
            numbers=numbers,
        )

    def step(
        self,
        walks: Walks,
        goal: tuple[np.ndarray, np.ndarray] | None = None,
        given: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """One step of all: (values float64 [R, C], words object [R, K]); the walks go on from it.
        goal: what is known of later, as seen, float64 [R, C] with NaN, and how many steps after
        this one, int64 [R]. given: values that are known of this step, float64 [R, C] with NaN."""
        plan, cells = self.plan, self.cells
        regular = plan.roles.step is not None
        seconds = walks.seconds + (plan.roles.step or 0.0)
        lagged = walks.past[:, [lag - 1 for lag in plan.back]]
        ahead = planning.foreseen(plan, self.weights, lagged, seconds)
        gap = None if regular else walks.gap
        told = planning.facts(plan, lagged, ahead, seconds, walks.words, walks.age, gap)
        told[NEXT] = None
        told |= {pull(c.name): None for c in plan.channels}
        if goal is not None:
            told |= self._goal(walks, goal, lagged, ahead)
        known = cells.told(self._told_base(walks), told)
        index = torch.from_numpy(walks.numbers * _STRIDE + walks.age)
        if not regular:
            known = self._complete(known, index, cells.spans.get(GAP, (0, 0))[1])
            gaps = (
                cells.read(known, [GAP])[GAP].to_numpy(np.float64) if GAP in cells.columns else None
            )
            moved = np.zeros(len(walks)) if gaps is None else np.maximum(np.nan_to_num(gaps), 0.0)
            moved = np.where(walks.age == 0, 0.0, moved)
            seconds = walks.seconds + moved
            known = cells.told(known, planning.calendar(plan, seconds))
            walks.gap = np.where(walks.age > 0, moved, np.nan)
        if given is not None:
            known = cells.told(known, self._given(given, ahead))
        made = self._complete(known, index, None)
        names = [*(new(n) for n in plan.roles.categories), *(new(c.name) for c in plan.channels)]
        drawn = cells.read(made, names)
        values = np.empty((len(walks), len(plan.channels)))
        for place, channel in enumerate(plan.channels):
            fresh = drawn[new(channel.name)].to_numpy(np.float64)
            values[:, place] = (
                channel.tidy(fresh) if channel.direct else channel.value(ahead[:, place] + fresh)
            )
        if given is not None:
            values = np.where(np.isnan(given), values, given)
        words = walks.words.copy()
        for place, name in enumerate(plan.roles.categories):
            words[:, place] = _words(drawn[new(name)])
        self.push(walks, values, words, seconds)
        return values, words

    def push(
        self, walks: Walks, values: np.ndarray, words: np.ndarray, seconds: np.ndarray
    ) -> None:
        """The walks go on by a step that is known. Where a value is missing it is as before."""
        seen = np.empty_like(walks.past[:, 0])
        for place, channel in enumerate(self.plan.channels):
            seen[:, place] = channel.seen(values[:, place])
        seen = np.where(np.isnan(seen), walks.past[:, 0], seen)
        walks.past[:, 1:] = walks.past[:, :-1].copy()
        walks.past[:, 0] = seen
        first = walks.age == 0
        walks.past[first] = seen[first, None]  # the oldest there is stands for all before it
        walks.words, walks.seconds, walks.age = words, seconds, walks.age + 1

    def _goal(
        self,
        walks: Walks,
        goal: tuple[np.ndarray, np.ndarray],
        lagged: np.ndarray,
        ahead: np.ndarray,
    ) -> dict[str, Any]:
        later, steps = goal
        away = np.where(steps > 0, steps, np.nan)
        out: dict[str, Any] = {NEXT: np.where(np.isnan(later).all(1), np.nan, away)}
        for place, channel in enumerate(self.plan.channels):
            line = bridge(lagged[:, 0, place], later[:, place], steps)
            out[pull(channel.name)] = line - ahead[:, place]
        return out

    def _given(self, given: np.ndarray, ahead: np.ndarray) -> dict[str, Any]:
        """What is known of this step as what is new in it; missing values say nothing."""
        out = {}
        for place, channel in enumerate(self.plan.channels):
            value = given[:, place]
            if not np.isnan(value).all():
                fresh = value if channel.direct else channel.seen(value) - ahead[:, place]
                out[new(channel.name)] = fresh
        return out

    def _told_base(self, walks: Walks) -> torch.Tensor:
        """The ids of the walks' attributes."""
        if self._of is not walks.statics:
            known = self.cells.nothing(len(walks))
            columns = {name: walks.statics[name] for name in walks.statics.columns}
            self._base, self._of = self.cells.told(known, columns), walks.statics
        return self._base

    def _complete(self, known: torch.Tensor, index: torch.Tensor, until: int | None) -> Any:
        return engine.completed(self.model, known, {}, self.seed, index=index, until=until)


def _words(series: Any) -> np.ndarray:
    out = series.astype(object).to_numpy()
    gone = pandas().isna(series).to_numpy()
    return np.array(
        [None if no else word for word, no in zip(out, gone, strict=True)], dtype=object
    )
