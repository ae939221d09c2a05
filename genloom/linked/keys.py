"""New keys: as many as are wanted, all different, written like those that were learnt from.

A key is a function of its row's number alone. Knows no table.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from genloom.codec.table.dataframes import pandas
from genloom.codec.table.identifier_column import shape_of
from genloom.linked.detecting import kind_of
from genloom.linked.plan import Keys

_LOOKED = 10_000
_STEP = 0x9E3779B97F4A7C15  # odd, so that multiplying by it keeps numbers apart
_DIGITS = "0123456789"


def learn_keys(series: Any) -> Keys:
    """Of a column that names rows."""
    if kind_of(series) != "words":
        start = int(series.min()) if len(series) else 1
        return Keys(dtype=str(series.dtype), start=start)
    shape = shape_of(series.head(_LOOKED).to_numpy(dtype=object))
    if not any(len(letters) > 1 for letters in shape):
        shape = tuple(f"{_prefix(series)}") + (_DIGITS,) * 8
    return Keys(dtype=str(series.dtype), shape=shape)


def _prefix(series: Any) -> str:
    """What all have in common at their beginning."""
    first, last = str(series.min()), str(series.max())
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same].rstrip(_DIGITS)


def written(keys: Keys, numbers: np.ndarray) -> Any:
    """A series of keys for int64 [N] numbers from 0."""
    pd = pandas()
    if keys.counted:
        return pd.Series(keys.start + numbers).astype(keys.dtype)
    places = list(keys.shape)
    room = _room(places)
    top = int(numbers.max(initial=0)) + 1
    while room < top:  # longer ones, where the shape has no room for so many
        at = max(n for n, letters in enumerate(places) if len(letters) > 1)
        places.insert(at + 1, _DIGITS)
        room = _room(places)
    left = _spread(numbers, room)
    out = np.empty((len(numbers), len(places)), dtype="U1")
    for place in reversed(range(len(places))):
        letters = np.array(list(places[place]))
        out[:, place] = letters[(left % len(letters)).astype(np.int64)]
        left = left // len(letters)
    made = out.view(f"U{len(places)}")[:, 0].tolist() if len(numbers) else []
    return pd.Series(made, dtype=object).astype(keys.dtype)


def _room(places: list[str]) -> int:
    room = 1
    for letters in places:
        room *= len(letters)
    return room


def _spread(numbers: np.ndarray, room: int) -> np.ndarray:
    """Other numbers below `room`, all different, that do not count: of a wide shape alone."""
    if room > 2**62:
        return numbers.astype(np.uint64) * np.uint64(_STEP)
    return numbers.astype(np.uint64)
