"""What captions ask for, as things that a classifier can check: classes, or slots of a pattern.

Few distinct captions are classes. Captions such as "a red circle top left" fill slots: the words
at the first places, and what is left at the end. Knows texts only.
Shape legend: N captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_CLASSES = 200
MOST_SLOTS = 6
LEAST_EACH = 5  # pictures that each value of a slot is to have on average


@dataclass(frozen=True)
class Slot:
    """values: what may stand here, sorted. labels: the number of each caption's value."""

    values: tuple[str, ...]
    labels: tuple[int, ...]

    @classmethod
    def of(cls, found: Sequence[str]) -> Slot:
        values = tuple(sorted(set(found)))
        number = {value: n for n, value in enumerate(values)}
        return cls(values, tuple(number[value] for value in found))


def slots(captions: Sequence[str], whole: bool = True) -> list[Slot]:
    """One slot where captions are classes, a few where they fill a pattern, else none. whole: false
    takes classes apart, too."""
    found = [" ".join(caption.split()) for caption in captions]
    if not found or not all(found):
        return []
    every = Slot.of(found)
    if whole and _can_be_learnt(every):
        return [every]
    columns = zip(*_cells(found), strict=True)
    columns = [Slot.of(column) for column in columns]
    varying = [slot for slot in columns if len(slot.values) > 1]
    kept = [slot for n, slot in enumerate(varying) if not _follows(slot, n, varying)]
    if not 0 < len(kept) <= MOST_SLOTS or not all(map(_can_be_learnt, kept)):
        return []
    return kept


def _cells(captions: Sequence[str]) -> list[list[str]]:
    """As many cells each as the shortest caption has words; the last holds the rest."""
    words = [caption.split() for caption in captions]
    cells = min(map(len, words))
    return [[*row[: cells - 1], " ".join(row[cells - 1 :])] for row in words]


def _can_be_learnt(slot: Slot) -> bool:
    kinds = len(slot.values)
    return 1 < kinds <= MOST_CLASSES and len(slot.labels) >= LEAST_EACH * kinds


def _follows(slot: Slot, place: int, others: Sequence[Slot]) -> bool:
    """Whether another slot decides this one, as a colour decides between "a" and "an"."""
    for n, other in enumerate(others):
        pairs = set(zip(other.labels, slot.labels, strict=True))
        same = len(other.values) == len(slot.values)
        if n != place and len(pairs) == len(other.values) and (not same or n < place):
            return True
    return False
