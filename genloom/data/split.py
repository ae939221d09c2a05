"""Which part of the data is held out: the same part every time, whatever the machine.

Streams of text are cut by position, collections of items by a hash of each item's index. Knows
nothing of media or tensors of a model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from genloom.errors import DataError


def split_stream(texts: Sequence[str], fraction: float) -> tuple[list[str], list[str]]:
    """(training, held out): the last `fraction` of all characters is held out.

    The text in which the border falls is cut there, so the two parts joined are the whole.
    """
    _check(fraction)
    size = sum(map(len, texts))
    border = int(size * (1.0 - fraction))
    if fraction and not 0 < border < size:
        raise DataError(f"{size} characters are too few to hold out {fraction:.0%}: give more text")
    first: list[str] = []
    last: list[str] = []
    for text in texts:
        cut = min(max(border, 0), len(text))
        first += [text[:cut]] if cut else []
        last += [text[cut:]] if cut < len(text) else []
        border -= len(text)
    return first, last


def split_items(count: int, fraction: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(training, held out) indices, int64 ascending: about `fraction` of `count` is held out.

    An index keeps its side when the collection grows. With two items or more and a fraction above
    zero neither side is empty.
    """
    _check(fraction)
    score = _hash(np.arange(count, dtype=np.uint64), seed)
    held = score < fraction
    if count >= 2 and fraction > 0:
        held[np.argmin(score)] = True
        held[np.argmax(score)] = False
    return np.flatnonzero(~held), np.flatnonzero(held)


def split_keys(
    keys: Sequence[str], fraction: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """As `split_items`, but items of equal key are on one side: what is held out has no twin in
    training. A key keeps its side whatever else is in the collection."""
    _check(fraction)
    number: dict[str, int] = {}
    owner = np.fromiter((number.setdefault(key, len(number)) for key in keys), np.int64, len(keys))
    score = np.fromiter(map(_digest, number), np.uint64, len(number))
    share = _hash(score, seed)
    held = share < fraction
    if len(number) >= 2 and fraction > 0:
        held[np.argmin(share)] = True
        held[np.argmax(share)] = False
    return np.flatnonzero(~held[owner]), np.flatnonzero(held[owner])


def take(items: Any, index: Iterable[int]) -> Any:
    """The items of these numbers, in the collection's own kind (a frame stays a frame)."""
    rows = list(map(int, index))
    if hasattr(items, "iloc"):
        return items.iloc[rows].reset_index(drop=True)
    return [items[n] for n in rows]


def even(size: int, most: int) -> list[int]:
    """At most so many numbers below `size`, evenly over all."""
    count = min(size, most)
    return [n * size // count for n in range(count)]


def evenly(items: Any, most: int) -> Any:
    """At most so many items, evenly over a collection that may be sorted."""
    return take(items, even(len(items), most))


def _check(fraction: float) -> None:
    if not 0.0 <= fraction < 1.0:
        raise DataError(f"cannot hold out {fraction!r} of the data: give at least 0 and below 1")


def _digest(key: str) -> int:
    data = key.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _hash(index: np.ndarray, seed: int) -> np.ndarray:
    """Uniform in [0, 1), float64 (splitmix64)."""
    mask = (1 << 64) - 1
    z = (index + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64((seed * 0xD1B54A32D192ED03) & mask)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
