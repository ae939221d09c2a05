"""Rows with gaps: filled by what the model finds likely beside what is known, or foretold.

One model of rows answers what boosting is trained for column by column: p(column | the others), for
any column, whatever else is missing. Joins codecs and engine; knows no column and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from genloom.engine import rows, tempering
from genloom.errors import RequestError
from genloom.model import Model

COVERAGE = 0.9
ROUNDS, STRIDE = 12, 1_000_003  # draws anew of rows that break a constraint, and their seeds


def fill(
    model: Model,
    items: Any,
    columns: Sequence[str] | None = None,
    seed: int = 0,
    heard: Callable[[int], None] = lambda done: None,
) -> Any:
    """The items with their gaps filled by draws from the model's conditional distribution; what is
    there stays as it is. Draws, not means: the filled column spreads like the real one (multiple
    imputation: Rubin 1987 takes several seeds). columns: whose gaps, by default all. UsageError for
    a model of anything but rows in any order, and for columns that it cannot fill."""
    rows.fields_of(model)
    codec: Any = model.codec
    found = codec.partly(items, columns)
    made = rows.completed(model, found.known, found.allowed, seed, heard, rules=found.rules)
    whole = codec.filled(items, codec.decode(made), found.empty)
    for again in range(1, 1 + ROUNDS):  # what masks cannot see beside what is known
        open_ = (found.known == rows.OPEN).any(1)
        bad = (open_ & ~torch.from_numpy(codec.meets(whole))).nonzero()[:, 0]
        if not len(bad):
            break
        known, other = found.known[bad], seed + again * STRIDE
        made[bad] = rows.completed(model, known, found.allowed, other, index=bad, rules=found.rules)
        whole = codec.filled(items, codec.decode(made), found.empty)
    return whole


def predict(model: Model, items: Any, column: str, coverage: float = COVERAGE) -> Any:
    """What one column is given the others, of each item: see `codec.table.cells.told`. The column
    itself, where the items have it, is not looked at. Chances are as sure as they were right of the
    rows that training held out (`engine.tempering`). coverage: of the intervals of numbers."""
    if not 0 < coverage < 1:
        raise RequestError(f"coverage {coverage}: a share between 0 and 1 is expected")
    rows.fields_of(model)
    codec: Any = model.codec
    place = codec.target(column)[1]
    found = codec.partly(items, ())
    chances = rows.chances(model, found.known, place)
    chances = tempering.tempered(chances, tempering.of_field(model, column))
    return codec.foretold(column, chances.numpy(), coverage)
