"""The floor for a text model: an interpolated Kneser-Ney model of bytes or ids, by counting.

A net worth its training beats it in the end; one trained for two minutes need not (order 6 on the
last tenth of tinyshakespeare: 2.25 bits per byte, 1.56 nats). Source: Kneser and Ney 1995, in the
interpolated form of Chen and Goodman 1999 with one discount an order.
Shape legend: T bytes, or ids, of a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

ROOM = 64  # bits of the integer that a run is packed into: 8 bytes, or 5 ids of 12 bits
_LIMIT = 8 << 20  # bytes counted; the latest ones, nearest to what is held out
Text = bytes | np.ndarray


@dataclass(frozen=True)
class _Order:
    """Runs of one length, ascending, with their counts, and what follows each context."""

    runs: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    kinds: np.ndarray
    discount: float


class NGram:
    """Probabilities of the next byte given up to order - 1 bytes before it; of the next id where
    texts are arrays of ids below 2 ** width."""

    def __init__(self, training: Text, order: int = 6, width: int = 8) -> None:
        if not 1 <= order <= ROOM // width:
            raise ValueError(f"order is {order}: give 1 to {ROOM // width}")
        self.width = width
        runs = list(_runs(training[-_LIMIT:], order, width))
        self.orders = [_order(*_counted(runs, size, width), width) for size in range(len(runs))]

    def bits(self, text: Text) -> np.ndarray:
        """float64 [T]: the cost of each byte, the first without any context."""
        chance = np.full(len(text), 0.5**self.width)
        runs = _runs(text, len(self.orders), self.width)
        for size, (order, keys) in enumerate(zip(self.orders, runs, strict=False)):
            chance[size:] = _mixed(order, keys, chance[size:], self.width)
        return -np.log2(chance)

    def likeliest(self, before: Sequence[int]) -> int:
        """What came most often after the longest known end of these bytes."""
        last = (1 << self.width) - 1
        for size in range(min(len(before), len(self.orders) - 1), -1, -1):
            key = 0
            for one in before[len(before) - size :]:
                key = key << self.width | one
            key <<= self.width
            order = self.orders[size]
            low = np.searchsorted(order.runs, np.uint64(key))
            high = np.searchsorted(order.runs, np.uint64(key | last), "right")
            if high > low:
                return int(order.runs[low + int(order.counts[low:high].argmax())]) & last
        raise ValueError("nothing was counted: give a text to learn from")


def ngram_floor(training: bytes, held_out: bytes, order: int = 6) -> float:
    """Bits per byte of the held-out text under counts of the training text."""
    return float(NGram(training, order).bits(held_out).mean()) if held_out else float("nan")


def _runs(text: Text, order: int, width: int) -> Iterator[np.ndarray]:
    """Yields uint64 [T - size + 1]: the runs of 1, 2 ... order bytes, packed."""
    data = np.frombuffer(text, np.uint8) if isinstance(text, bytes) else text
    data = data.astype(np.uint64)
    keys = data
    for size in range(1, min(order, len(data)) + 1):
        if size > 1:
            keys = (keys[:-1] << np.uint64(width)) | data[size - 1 :]
        yield keys


def _counted(runs: list[np.ndarray], size: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Runs with their counts; below the highest order, how many unlike bytes come before each."""
    if size == len(runs) - 1:
        return np.unique(runs[size], return_counts=True)
    mask = np.uint64((1 << width * (size + 1)) - 1)
    return np.unique(np.unique(runs[size + 1]) & mask, return_counts=True)


def _order(runs: np.ndarray, counts: np.ndarray, width: int) -> _Order:
    before = runs >> np.uint64(width)
    contexts, first, kinds = np.unique(before, return_index=True, return_counts=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    # Without counts of one there is no estimate; a half is then the mildest usual choice.
    discount = once / (once + 2 * twice) if once and twice else 0.5
    return _Order(runs, counts, contexts, np.add.reduceat(counts, first), kinds, discount)


def _mixed(order: _Order, keys: np.ndarray, lower: np.ndarray, width: int) -> np.ndarray:
    count = _look_up(order.runs, order.counts, keys)
    context = keys >> np.uint64(width)
    total = _look_up(order.contexts, order.totals, context)
    kinds = _look_up(order.contexts, order.kinds, context)
    kept = np.maximum(count - order.discount, 0.0) + order.discount * kinds * lower
    return np.where(total > 0, kept / np.maximum(total, 1), lower)


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The value of each wanted key, 0 where it is unknown."""
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
