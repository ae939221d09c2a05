"""Times as they were played, laid on the grid of a score: beat by beat in halves or in thirds.

A beat is laid on the coarsest grid that its notes are near to. Knows numbers alone.
Shape legend: N times, in quarter notes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

# parts of a quarter, and how far from them (in quarters, on average) notes may be: what is fine has
# to be nearer, since something of it is near to any note
GRIDS = ((1, 0.02), (2, 0.02), (4, 0.025), (3, 0.02), (8, 0.012), (6, 0.012))
CLOSE = Fraction(1, 8)  # a shorter silence before the next note is how it was played


def grid_of(within: Sequence[float]) -> int:
    """Parts of a quarter on which these times within a beat (0 to 1) lie; the nearest of all where
    they lie on none."""
    offsets = np.asarray(within, float)
    best, least = 4, np.inf
    for parts, near in GRIDS:
        far = float(np.abs(offsets * parts - np.round(offsets * parts)).mean()) / parts
        if far <= near:
            return parts
        if far * parts**0.5 < least:
            best, least = parts, far * parts**0.5
    return best


def quantised(times: Sequence[Fraction]) -> dict[Fraction, Fraction]:
    """Each time -> its place on the grid; the order is kept."""
    by_beat: dict[int, list[Fraction]] = {}
    for time in sorted(set(times)):
        by_beat.setdefault(int(time), []).append(time)
    out: dict[Fraction, Fraction] = {}
    for beat, some in by_beat.items():
        exact = all((8 * time).denominator == 1 or (6 * time).denominator == 1 for time in some)
        if exact:
            out |= {time: time for time in some}
            continue
        parts = grid_of([float(time - beat) for time in some])
        out |= {time: Fraction(round(time * parts), parts) for time in some}
    return out


def ended(onset: Fraction, end: Fraction, onsets: Sequence[Fraction]) -> Fraction:
    """Where a note ends that was played from `onset` (laid on the grid) to `end`: with the next
    note where that comes soon, else on the grid of sixteenths; never before it has begun. onsets:
    of its part, ascending."""
    place = bisect_right(onsets, onset)
    following = onsets[place] if place < len(onsets) else None
    if following is not None and abs(following - end) <= CLOSE:
        return following
    known = (8 * end).denominator == 1 or (6 * end).denominator == 1
    laid = end if known else Fraction(round(end * 4), 4)
    if following is not None and end < following and following - laid <= CLOSE:
        return following
    return laid if laid > onset else onset + Fraction(1, 4)
