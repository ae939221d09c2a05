"""A table's codec on disk: what its columns learnt, as JSON and safetensors.

Knows the kinds of columns by name; what each keeps is its own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.table.columns import CategoryColumn, Column, ConstantColumn
from genloom.codec.table.computed_column import ComputedColumn
from genloom.codec.table.constraint import Constraint, to_json
from genloom.codec.table.constraint_values import Kept
from genloom.codec.table.date_column import DateColumn
from genloom.codec.table.identifier_column import IdentifierColumn
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.row_channels import Channels, load_channels
from genloom.codec.table.text_column import TextColumn
from genloom.errors import ModelError, RecipeError

_ARRAYS = "table.safetensors"
_COLUMNS: dict[str, Any] = {
    column.kind: column
    for column in (
        *(NumberColumn, DateColumn, CategoryColumn, ConstantColumn),
        *(IdentifierColumn, ComputedColumn, TextColumn),
    )
}
_OPTIONS = ("bins", "carrier", "categories", "distinct", "fine", "rare")
_LATER = frozenset({"constraints", "kinds", "texts", "told"})  # that older models do not have


class Stored:
    """A part of `TableCodec`, which fits what is written here."""

    kind: ClassVar[str]
    carrier: str
    texts: int
    told: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    kinds_told: dict[str, str]
    _columns: tuple[Column, ...]
    _channels: tuple[Channels | None, ...]
    _kept: Kept | None

    @property
    def columns(self) -> tuple[Column, ...]:
        raise NotImplementedError

    def _bind(self) -> None:
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        described, arrays = [], {}
        channels = self._channels or (None,) * len(self.columns)
        for place, (column, channel) in enumerate(zip(self.columns, channels, strict=True)):
            values, found = column.to_json()
            described.append({"kind": column.kind, **values})
            found |= channel.arrays() if channel is not None else {}
            arrays |= {f"{place}.{name}": np.ascontiguousarray(a) for name, a in found.items()}
        for number, rows in enumerate(self._kept.combinations if self._kept is not None else ()):
            arrays[f"combinations.{number}"] = np.ascontiguousarray(rows)
        write_atomic(Path(folder) / _ARRAYS, save_arrays(arrays))
        options: dict[str, Any] = {name: getattr(self, name) for name in _OPTIONS}
        options["texts"] = self.texts
        if self.told:
            options["told"] = list(self.told)
        if self.constraints:
            options["constraints"] = to_json(self.constraints)
        if self.kinds_told:
            options["kinds"] = dict(self.kinds_told)
        save_json(folder, self.kind, {**options, "columns": described})

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({*_OPTIONS, "columns"}), _LATER)
        path = Path(folder) / _ARRAYS
        try:
            arrays = load_arrays(path.read_bytes())
            codec = cls(**{name: v for name, v in values.items() if name != "columns"})
            codec._restore(values["columns"], arrays)
        except FileNotFoundError:
            raise ModelError(f"{path} is missing: the model folder is incomplete") from None
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecipeError) as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        return codec

    def _restore(self, described: list[dict[str, Any]], arrays: Mapping[str, np.ndarray]) -> None:
        columns, channels = [], []
        for place, values in enumerate(described):
            kind = _COLUMNS[values["kind"]]
            mine = {
                name.partition(".")[2]: array
                for name, array in arrays.items()
                if name.startswith(f"{place}.")
            }
            columns.append(kind.from_json({k: v for k, v in values.items() if k != "kind"}, mine))
            channels.append(load_channels(columns[-1], mine) if self.carrier == "array" else None)
        self._columns, self._channels = tuple(columns), tuple(channels)
        if self.constraints:
            count = sum(name.startswith("combinations.") for name in arrays)
            self._kept = Kept(
                constraints=self.constraints,
                combinations=tuple(arrays[f"combinations.{n}"] for n in range(count)),
                columns={column.name: column for column in columns},
            )
            self._bind()
