"""Rows that lie apart from every training row: those that equal or nearly equal one are made anew.

A filter, no bound: see docs/privacy.md. Knows models of tables, whose training data is at hand.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from genloom import api
from genloom.data.split import even, take
from genloom.errors import DataError, RequestError, UsageError
from genloom.metric.privacy import closest, copied_rows
from genloom.spec import Request
from genloom.train.loop import mix

RECORDED = "apart"  # in an asset's record: the mode
Mode = Literal["exact", "near"]
MODES = ("exact", "near")
NEARER = 0.02  # of held-out rows are nearer to a training row than what "near" allows
HELD = 2000  # of these that say how near that is
MOST = 5  # times the count that are drawn at most
SPARE = 100


def apart(
    model: api.Model, request: Request, mode: Mode, *, train: Any = None, held: Any = None
) -> tuple[Any, int]:
    """(rows, how many were made anew). exact: none equals a training row in all learnt columns;
    near: none is as near to one as all but a fiftieth of held-out rows are not.

    train, held: where they are at hand already. DataError where hardly any row is apart, or the
    data is gone; UsageError for models of other media.
    """
    if not hasattr(model.codec, "kinds"):
        raise UsageError("--apart is about the rows of tables: leave it out")
    if mode not in MODES:
        raise RequestError(f"apart is {mode!r}: give one of {', '.join(MODES)}")
    train = model.training_items() if train is None else train
    held = model.held_out_items() if held is None and mode == "near" else held
    copied = _exact(model.codec, train) if mode == "exact" else _near(model.codec, train, held)
    parts: list[Any] = []
    kept = drawn = turn = 0
    while kept < request.count:
        missing = request.count - kept
        if drawn + missing > MOST * request.count + SPARE:
            raise DataError(
                f"of {drawn:,} rows that were drawn {kept:,} are apart from training rows: the "
                "model repeats what it learnt, or its columns have few values; ask for --apart "
                "exact, or none"
            )
        seed = request.seed if not turn else mix(request.seed, turn)
        made = api.exact(model, replace(request, seed=seed, count=missing))
        fine = np.flatnonzero(~copied(made))
        parts.append(take(made, fine))
        kept, drawn, turn = kept + len(fine), drawn + missing, turn + 1
    pandas = importlib.import_module("pandas")
    return pandas.concat(parts, ignore_index=True), drawn - request.count


def _exact(codec: Any, train: Any) -> Callable[[Any], np.ndarray]:
    names = list(codec.kinds())
    return lambda made: copied_rows(made, train, names)


def _near(codec: Any, train: Any, held: Any) -> Callable[[Any], np.ndarray]:
    if not len(held):
        raise DataError("the model kept no rows back, so that nothing says what is near")
    known = codec.features(train)
    real = closest(codec.features(take(held, even(len(held), HELD))), known).sort().values
    bar = float(real[int(NEARER * len(real))])
    same = _exact(codec, train)

    def copied(made: Any) -> np.ndarray:
        far = closest(codec.features(made), known).numpy()
        return same(made) | (far < bar)

    return copied
