"""Where the ids of a column lie in the order of their values, for nets that learn neighbours alike.

Common values of a number have ids before all its cells, whatever they are: by value they belong
between them. Knows learnt columns; no net. Shape legend: K ids of a position.
"""

from __future__ import annotations

import numpy as np

from genloom.codec.table.columns import Column
from genloom.codec.table.number_column import NumberColumn

DECIMALS = 5
OUTSIDE = -1.0

Levels = tuple[float, ...]


def levels_of(column: Column) -> tuple[Levels, ...]:
    """One for each position of the column, float [K] in [0, 1], OUTSIDE for a missing value; () for
    a column without an order."""
    if not isinstance(column, NumberColumn):
        return ((),) * len(column.sizes)
    first = (OUTSIDE,) * column.missing + _ranks(_values(column))
    found: list[Levels] = [first]
    if column.fine:
        within = (np.arange(column.fine) + 0.5) / column.fine
        rest = column.sizes[1] - column.fine  # "not in a cell"
        found.append((*within.round(DECIMALS).tolist(), *(OUTSIDE,) * rest))
    turns = len(column.sizes) - len(found)  # days and hours come round: they have no order
    return (*found, *((),) * turns)


def _values(column: NumberColumn) -> np.ndarray:
    """The middle of what each id but that of a missing value stands for, float64 [K]."""
    if column.quantiles is None:
        return column.atoms
    middles = (np.arange(column.cells) + 0.5) / column.cells
    return np.concatenate((column.atoms, column.quantiles.value(middles)))


def _ranks(values: np.ndarray) -> Levels:
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    levels: list[float] = (ranks / max(1, len(values) - 1)).round(DECIMALS).tolist()
    return tuple(levels)
