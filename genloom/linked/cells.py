"""Cells of a model's rows as ids and back, a few columns at a time.

Many small pieces of rows are told and read while children are drawn; what a codec works out of its
columns is worked out once here. Knows a codec of tables; see its `partly` and `decode`.
Shape legend: N rows, L positions of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genloom.codec.table.cells import OPEN, missing, unsure
from genloom.codec.table.columns import row_noise
from genloom.codec.table.dataframes import pandas


class Cells:
    """length: of a row. stop: of each column, one past its last position."""

    def __init__(self, codec: Any) -> None:
        spec = codec.spec
        self.codec, self.length = codec, spec.length
        self.columns = {column.name: column for column in codec.columns}
        self.spans = {span.name: (span.start, span.stop) for span in spec.spans}
        low, high = np.array(spec.ranges, np.int64).T
        self._low, self._high = low, high

    def nothing(self, count: int) -> Tensor:
        """long [N, L], all of it open."""
        return torch.full((count, self.length), OPEN)

    def told(self, known: Tensor, columns: Mapping[str, Any]) -> Tensor:
        """long [N, L] with the ids of these columns in their place; what has no id stays as it
        was. A column that is None is missing in every row."""
        out = known.numpy().copy()
        for name, values in columns.items():
            if name not in self.spans:
                continue
            start, stop = self.spans[name]
            column = self.columns[name]
            if values is None and not missing(column):
                continue
            series = self._series(values, len(out))
            ids = column.encode(series) + self._low[start:stop]
            gone = unsure(column, series)
            if gone.any():
                ids = np.where(gone[:, None], out[:, start:stop], ids)
            out[:, start:stop] = ids
        return torch.from_numpy(out)

    def _series(self, values: Any, count: int) -> Any:
        pd = pandas()
        if values is None:
            return pd.Series([None] * count, dtype=object)
        if isinstance(values, pd.Series):
            return values.reset_index(drop=True)
        return pd.Series(values)

    def read(self, ids: Tensor, names: Iterable[str]) -> dict[str, Any]:
        """Column -> series of values, as `decode` of the whole rows would tell them."""
        pd = pandas()
        plain = np.clip(ids.numpy(), self._low, self._high - 1) - self._low
        noise = row_noise(plain)
        out = {}
        for name in names:
            start, stop = self.spans.get(name, (0, 0))
            out[name] = pd.Series(self.columns[name].decode(plain[:, start:stop], noise))
        return out
