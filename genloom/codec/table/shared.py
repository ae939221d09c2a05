"""What a codec of rows answers where rows are asked for in shares (see `codec.base.Codec`).

Knows columns, conditions and frames; which shares are drawn is the engine's.
Shape legend: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genloom.codec.table.columns import CategoryColumn, Column
from genloom.codec.table.condition import by_name
from genloom.codec.table.dataframes import as_frame, pandas
from genloom.codec.table.nearest import nearest_row
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.where import Both, Compare, Either, Node, parse
from genloom.errors import RequestError

MOST = 100  # values of a column that can be a share each


class Shared:
    """A part of `TableCodec`, which fits and loads what it reads here."""

    @property
    def columns(self) -> tuple[Column, ...]:
        raise NotImplementedError

    def shares(self, name: str) -> list[tuple[Node, str]]:
        """A condition for each value of a column, with words for it. RequestError of columns that
        have too many values, or none that repeat."""
        column = by_name(self.columns, Compare(name, "=", 0))[name]
        values: list[Any] = []
        if isinstance(column, CategoryColumn):
            values = list(column.labels)
        elif isinstance(column, NumberColumn) and column.discrete:
            show = column.form.sort != "number"
            values = [column.form.show(v) if show else float(v) for v in column.atoms]
        if not 2 <= len(values) <= MOST:
            raise RequestError(
                f"column {name!r} holds {column.describe()}: a column of 2 to {MOST} repeated "
                "values is expected"
            )
        return [(Compare(name, "=", value), f"{name} = {value}") for value in values]

    def joined(self, where: Any, prompt: str | None, nodes: Sequence[Node]) -> Node | None:
        """All of these conditions."""
        own = node_of(prompt, where)
        parts = [*([] if own is None else [own]), *nodes]
        return None if not parts else parts[0] if len(parts) == 1 else Both(tuple(parts))

    def uncertain(self, node: Node | None) -> bool:
        """Whether ids can say less than the condition does."""
        if node is None:
            return False
        if isinstance(node, Both):
            return any(map(self.uncertain, node.parts))
        if isinstance(node, Either) or not isinstance(node, Compare) or node.op != "=":
            return True
        column = by_name(self.columns, node)[node.column]
        if isinstance(column, NumberColumn):
            return not column.owns(column.form.literal(node.column, node.value))
        return not isinstance(column, CategoryColumn)

    def nearest(self, items: Any, where: Any, prompt: str | None) -> tuple[float, str]:
        """(by how much it misses, what it holds) of the row that comes nearest to conditions."""
        node = node_of(prompt, where)
        return (0.0, "") if node is None else nearest_row(self.columns, as_frame(items), node)

    def gathered(self, parts: Sequence[Any], order: np.ndarray) -> Any:
        """One frame of all parts, its rows in this order."""
        return pandas().concat(list(parts), ignore_index=True).iloc[order].reset_index(drop=True)

    def beside(self, items: Any, name: str, values: np.ndarray) -> Any:
        """With a column more. RequestError where there is one of that name."""
        frame = as_frame(items)
        if name in frame.columns:
            raise RequestError(f"weights: there is a column {name!r} already: choose another name")
        return frame.assign(**{name: values})

    def noted(self, items: Any, told: dict[str, Any]) -> Any:
        """With this in the frame's `attrs`, from where it goes into records."""
        items.attrs["shares"] = told
        return items


def node_of(prompt: str | None, where: Any) -> Node | None:
    """The condition that a prompt and conditions say together."""
    parts = [parse(part) for part in (prompt, where) if part not in (None, "")]
    return (parts[0] if len(parts) == 1 else Both(tuple(parts))) if parts else None
