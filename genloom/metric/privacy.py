"""Whether made rows are copies: exact matches and the distance to the closest real record.

Knows frames and vectors; no codec, no model. Every figure stands beside the same figure for rows
that were held out of training, which are what an honest generator looks like.
Shape legend: N rows, F features.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

_CHUNK = 512


@dataclass(frozen=True)
class Closeness:
    """closer_to_train   share of made rows nearer to a training row than to a held-out one, of
                         equally many of each; 0.5 is ideal, 1 is copying
    made_distance, held_distance   median distance to the closest training row, of made rows and
                         of held-out ones
    """

    closer_to_train: float
    made_distance: float
    held_distance: float


def copy_rate(made: Any, train: Any, columns: list[str] | None = None) -> float:
    """The share of rows of `made` that equal a row of `train` in all columns (DataFrames)."""
    found = copied_rows(made, train, columns)
    return float(found.mean()) if len(found) else 0.0


def copied_rows(made: Any, train: Any, columns: list[str] | None = None) -> np.ndarray:
    """bool [N], which rows of `made` equal a row of `train` in all columns (DataFrames)."""
    pd = importlib.import_module("pandas")
    columns = list(train.columns) if columns is None else columns
    if not len(made) or not columns:
        return np.zeros(len(made), bool)
    both = [_comparable(frame[columns]) for frame in (made, train)]
    hashes = [pd.util.hash_pandas_object(frame, index=False).to_numpy() for frame in both]
    return np.isin(hashes[0], hashes[1])


def _comparable(frame: Any) -> Any:
    """Values as texts or floats, so that equal values of different dtypes are equal."""
    pd = importlib.import_module("pandas")
    out = {}
    for name in frame.columns:
        series = frame[name]
        numeric = pd.api.types.is_numeric_dtype(series.dtype)
        if numeric and not pd.api.types.is_bool_dtype(series.dtype):
            out[name] = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            out[name] = series.astype(object).where(series.notna(), None).map(str)
    return pd.DataFrame(out)


def closeness(
    made: Tensor, train: Tensor, held: Tensor, *, rows: int = 3000, seed: int = 0
) -> Closeness:
    """Compares features float [N, F] of made, training and held-out rows.

    As many training as held-out rows are looked at, drawn by the seed, so that neither side is
    nearer only for being larger. Ties count half.
    """
    rng = np.random.default_rng(seed)
    size = min(len(train), len(held), 2 * rows)
    near = _some(train, size, rng)
    other, probe = _some(held, size, rng), _some(made, rows, rng)
    to_train, to_held = closest(probe, near), closest(probe, other)
    nearer = (to_train < to_held).double() + 0.5 * (to_train == to_held).double()
    return Closeness(
        closer_to_train=float(nearer.mean()),
        made_distance=float(to_train.median()),
        held_distance=float(closest(other[:rows], near).median()),
    )


def closest(rows: Tensor, among: Tensor) -> Tensor:
    """float [N], Euclidean distance from each row to the nearest of `among`, at most 512 at a time.

    Rounding of the matrix product (about 1e-3) is taken out by measuring the winner directly.
    """
    found = []
    for part in rows.split(_CHUNK):
        nearest = torch.cdist(part, among).argmin(1)
        found.append((part - among[nearest]).norm(dim=1))
    return torch.cat(found) if found else torch.zeros(0)


def _some(x: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    if len(x) <= count:
        return x
    return x[torch.from_numpy(rng.permutation(len(x))[:count])]
