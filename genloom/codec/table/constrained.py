"""What a codec of rows answers where its rows must meet constraints (see `codec.base.Codec`).

Knows what is kept and which columns are made anew; how rows are laid out is the codec's.
Shape legend: N rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from genloom.codec.table.columns import Column
from genloom.codec.table.constraint import Constraint, Key
from genloom.codec.table.constraint_masks import Masks
from genloom.codec.table.constraint_values import Kept
from genloom.codec.table.dataframes import as_frame
from genloom.codec.table.identifier_column import IdentifierColumn
from genloom.codec.table.text_column import TextColumn
from genloom.codec.where import Node, equalities


class Constrained:
    """A part of `TableCodec`, which fits and loads what it reads here."""

    constraints: tuple[Constraint, ...]
    _kept: Kept | None
    _masks: Masks | None

    @property
    def columns(self) -> tuple[Column, ...]:
        raise NotImplementedError

    @property
    def rules(self) -> Masks | None:
        """What a row's ids leave each other (`spec.Rules`)."""
        return self._masks

    @property
    def exacting(self) -> bool:
        """Whether some rows must not be put out, not beside each other, or have numbers."""
        made = any(isinstance(column, IdentifierColumn) for column in self.columns)
        return self._kept is not None or made or bool(self._guarding)

    @property
    def _guarding(self) -> list[TextColumn]:
        """Columns of texts of which some must not be put out."""
        texts = [column for column in self.columns if isinstance(column, TextColumn)]
        return [column for column in texts if len(column.guarded)]

    def whole_texts(self, frame: Any, node: Node | None) -> np.ndarray:
        """bool [N], rows that hold a text which few training rows had, and nobody asked for."""
        asked = {} if node is None else equalities(node)
        out = np.zeros(len(frame), bool)
        for column in self._guarding:
            if column.name not in asked:
                out |= column.copied(frame[column.name])
        return out

    def numbered(self, items: Any, seed: int, first: int) -> Any:
        """The rows, which are those from number `first` of a seed on, with identifiers that no
        other number of the seed has."""
        frame = as_frame(items)
        made = [c for c in self.columns if isinstance(c, IdentifierColumn)]
        frame = frame.copy() if made else frame
        keys = {one.column for one in self.constraints if isinstance(one, Key)}
        for column in made:
            numbers = np.arange(first, first + len(frame))
            if column.name not in keys:  # found, not asked for: where they run out, they repeat
                numbers %= column.room
            frame[column.name] = getattr(column.numbered(numbers, seed), "array", None)
        return frame

    def alike(self, items: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Constraint -> uint64 [N], equal where two rows must not both be in a table, and bool [N],
        which rows that is about."""
        if self._kept is None:
            return {}
        frame = as_frame(items)
        return {one.told(): self._kept.codes(one, frame) for one in self._kept.distinct}

    @property
    def rooms(self) -> dict[str, int]:
        """Constraint -> how many rows can be in a table, where that is known."""
        return {} if self._kept is None else self._kept.rooms

    @property
    def promises(self) -> list[str]:
        """What all that is made meets, in words."""
        texts = [
            f"no {c.name!r} as it stands in fewer than {c.rare} of the training rows"
            for c in self._guarding
        ]
        return [*(one.told() for one in self.constraints), *texts]
