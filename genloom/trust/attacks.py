"""Attacks on a model of rows and on rows that it makes, each beside the same on strangers.

Nearness to records, singling out, linking, inferring, and membership by shadows; every figure with
its bounds, the figure of copying as floor and that of strangers as ceiling. Knows models of tables.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.data.split import take
from genloom.errors import DataError, UsageError
from genloom.metric.interval import LEVEL, Interval, wilson
from genloom.metric.privacy import closest, copy_rate
from genloom.train.log import Event, Listener, silent
from genloom.trust import membership
from genloom.trust.guesses import Outcome, Table, inferring, linking, singling_out
from genloom.trust.quality import Report, Row
from genloom.trust.quality_table import measured

MOST = 20_000  # rows that are made
TARGETS = 1000  # real rows of each side that are attacked
OF_COPY = 200  # of these, for the figure of copying
NEAREST = 3000  # made rows whose nearest record is looked for
NEARER = 0.02  # of held-out rows are this near to a training row
SLACK = 0.02  # beyond what strangers get, from which a figure is an alarm


@dataclass(frozen=True, kw_only=True)
class Bounded(Row):
    """A figure with the ends of its interval of 95 %."""

    low: float | None = None
    high: float | None = None

    @property
    def alarms(self) -> bool:
        """Whether all of the interval lies beyond what strangers get."""
        if self.low is None or self.ceiling is None:
            return False
        return self.low > self.ceiling + SLACK


def check(model: api.Model, shadows: int) -> None:
    """UsageError where no such shadows can be made."""
    if shadows < 0 or shadows == 1:
        raise UsageError(f"{shadows} shadows: give 0 for none, or 2 and more; 8 to 16 say most")
    reason = membership.why_not(model) if shadows else ""
    if reason:
        raise UsageError(f"no shadows can be made of {model.recipe.name}: {reason}; --shadows 0")


def attack(
    model: api.Model | str | Path,
    *,
    shadows: int = 0,
    seed: int = 0,
    count: int | None = None,
    train: Any = None,
    held: Any = None,
    listener: Listener = silent,
) -> Report:
    """Attack a model of tables with what it learnt from and what was held out of that.

    shadows: models that membership is told by, 0 for none. count: rows that are made. train, held:
    where they are at hand already. The listener hears Events "measure" with the stage.
    """
    loaded = model if isinstance(model, api.Model) else api.load(model)
    check(loaded, shadows)
    begun, stages = time.monotonic(), iter(range(1, 10**6))

    def tell(stage: str) -> None:
        listener(Event(kind="measure", step=next(stages), values={"stage": stage}))

    tell("reading the data")
    train = loaded.training_items() if train is None else train
    held = loaded.held_out_items() if held is None else held
    if not len(train) or not len(held):
        raise DataError("an attack needs rows that were learnt from and rows that were held out")
    tell("making rows")
    made = loaded.generate(None, count or min(len(train), MOST), seed=seed)
    tell("looking for near copies")
    rows = _nearness(loaded.codec, train, held, made, seed)
    rows += _guessed(loaded.codec, train, held, made, seed, tell)
    if shadows:
        told = membership.membership(loaded, train, held, shadows=shadows, seed=seed, tell=tell)
        rows += _membership(told, loaded.card.get("privacy") or {})
    protocol = {
        "attacks": True,
        "alarms": [row.metric for row in rows if isinstance(row, Bounded) and row.alarms],
        "rows": len(made),
        "training_items": len(train),
        "held_out_items": len(held),
        "shadows": shadows,
        "seed": seed,
        "seconds": round(time.monotonic() - begun, 2),
        "weights": loaded.digest(),
        "software": api.software(),
    }
    return Report(rows=tuple(rows), protocol=protocol)


# --- nearness -------------------------------------------------------------------------------------


def _nearness(codec: Any, train: Any, held: Any, made: Any, seed: int) -> list[Row]:
    near, other, own = (codec.features(side) for side in (train, held, made))
    rng = np.random.default_rng(seed)
    size = min(len(near), len(other))
    some, probe = _some(near, size, rng), _some(own, NEAREST, rng)
    to_train, to_held = closest(probe, some), closest(probe, _some(other, size, rng))
    hits = float((to_train < to_held).sum()) + 0.5 * float((to_train == to_held).sum())
    share = wilson(round(hits), len(probe))
    far, real = closest(probe, near), closest(_some(other, NEAREST, rng), near)
    bar = float(real.sort().values[int(NEARER * len(real))])
    is_near = _nearer(far, bar)
    strangers = float(_nearer(real, bar).double().mean())
    copies = wilson(int(is_near.sum()), len(is_near))
    equal = copy_rate(made, train, list(codec.kinds()))
    exact = wilson(round(equal * len(made)), len(made))
    return [
        _row(
            "closer_to_train",
            share,
            1.0,
            0.5,
            "share of made rows nearer to a training row than "
            f"to a held-out one, of {size:,} each; floor: copying; ceiling: ideal; it misses "
            "subtle leaks",
        ),
        _row(
            "near_copies",
            copies,
            1.0,
            strangers,
            "share of made rows nearer to a training row "
            f"than all but {NEARER:.0%} of held-out rows are ({bar:.3g}); floor: copying; "
            "ceiling: held-out rows",
        ),
        _row(
            "exact_copies",
            exact,
            1.0,
            copy_rate(held, train, list(codec.kinds())),
            "share of rows that equal a training row; floor: copying; ceiling: held-out rows",
        ),
    ]


def _nearer(far: torch.Tensor, bar: float) -> torch.Tensor:
    return far < bar if bar > 0 else far == 0


def _some(x: torch.Tensor, count: int, rng: np.random.Generator) -> torch.Tensor:
    return x if len(x) <= count else x[torch.from_numpy(rng.permutation(len(x))[:count])]


def _row(metric: str, found: Interval, floor: float, ceiling: float, note: str) -> Bounded:
    return Bounded(
        metric=metric,
        value=found.value,
        low=found.low,
        high=found.high,
        floor=floor,
        ceiling=ceiling,
        note=note,
    )


# --- by made rows alone ---------------------------------------------------------------------------


def _guessed(codec: Any, train: Any, held: Any, made: Any, seed: int, tell: Any) -> list[Row]:
    kinds = codec.kinds()
    rng = np.random.default_rng(seed)
    count = min(len(train), len(held))
    mine = take(train, rng.permutation(len(train))[:count])
    learnt, control, own = (Table(measured(codec, f), kinds) for f in (mine, held, made))
    few = range(min(count, TARGETS))
    sides = take(mine, few), take(held, rng.permutation(len(held))[: len(few)])
    targets, strangers = (Table(measured(codec, side), kinds) for side in sides)
    tell("singling rows out")
    rows: list[Row] = []
    for name, together in (("singling_out_one", 1), ("singling_out", 3)):
        found = singling_out(own, learnt, control, TARGETS, seed, together)
        copy = singling_out(learnt, learnt, control, OF_COPY, seed, together)
        what = "one column" if together == 1 else f"{together} columns"
        rows.append(_risk(name, found, copy, f"predicates of {what} that one made row meets"))
    tell("linking rows")
    rows.append(
        _risk(
            "linkability",
            linking(own, targets, strangers, seed),
            linking(learnt, _cut(targets), _cut(strangers), seed),
            "one made row nearest to both halves of a row's columns",
        )
    )
    tell("inferring columns")
    found, copies = (
        inferring(own, targets, strangers, seed),
        inferring(learnt, _cut(targets), _cut(strangers), seed),
    )
    return [*rows, *_inferred(found, copies)]


def _cut(table: Table) -> Table:
    """The first rows of it."""
    out = object.__new__(Table)
    out.kinds, out.rows = table.kinds, min(table.rows, OF_COPY)
    out.columns = {name: column[: out.rows] for name, column in table.columns.items()}
    return out


def _risk(
    metric: str, found: Outcome | None, copy: Outcome | None, what: str, among: int = 1
) -> Row:
    """among: so many of which this one was chosen; its interval is as much wider (Bonferroni)."""
    if found is None:
        return Row(metric=metric, value=None, note=f"there are no {what}")
    told = found.risk_at(1 - (1 - LEVEL) / among)
    weak = "; no better than guessing blindly, so that it says nothing" if found.weak else ""
    note = (
        f"risk that a row is found because it was learnt from: {what}; {found.attack:,} of "
        f"{found.tries:,} hit learnt rows, {found.control:,} strangers, {found.blind:,} blind "
        f"guesses{weak}; floor: copying; ceiling: strangers"
    )
    return _row(metric, told, copy.risk.value if copy else 1.0, 0.0, note)


def _inferred(found: Mapping[str, Outcome], copies: Mapping[str, Outcome]) -> list[Row]:
    """The column at the greatest risk, and the mean of all."""
    able = {name: one for name, one in found.items() if not one.weak}
    if not able:
        note = "no column is inferred better than by guessing blindly"
        return [Row(metric="inference", value=None, note=note)]
    worst = max(able, key=lambda name: able[name].risk.low)
    row = _risk(
        "inference",
        able[worst],
        copies.get(worst),
        f"column {worst!r}, of {len(able)} at the greatest risk, from all others",
        among=len(able),
    )
    return [row]


# --- membership -----------------------------------------------------------------------------------


def _membership(told: membership.Told, bound: Mapping[str, Any]) -> Sequence[Row]:
    of = f"{told.members:,} rows learnt from and {told.others:,} others, by {told.shadows} shadows"
    few = "" if told.others >= 200 else f"; of {told.others} others a hundredth is hardly one"
    most = ""
    if bound.get("epsilon") is not None:
        share = min(1.0, float(np.exp(bound["epsilon"])) * membership.ALARMS + bound["delta"])
        most = f"; its epsilon allows at most {share:.3g}"
    return [
        _row(
            "membership_caught",
            told.caught,
            1.0,
            membership.ALARMS,
            "share of rows learnt from "
            f"that are told by their likelihood, at 1 % wrong alarms; {of}{few}{most}; floor: "
            "every row; ceiling: guessing",
        ),
        _row(
            "membership_auc",
            told.area,
            1.0,
            0.5,
            f"area under that attack's curve; {of}; floor: every row; ceiling: guessing",
        ),
    ]
