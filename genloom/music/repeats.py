"""Repeats written out: the order in which bars are played, and the score that results.

Knows the signs on bars, first and second endings. Knows no notation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from genloom.errors import DataError
from genloom.music.score import Bar, Change, Chord, Note, Part, Score

_Thing = TypeVar("_Thing", Note, Chord, Change)
MOST_BARS = 50_000  # as played


def order(bars: Sequence[Bar]) -> list[int]:
    """Places of the bars in the order in which they are played.

    A repeat goes back to the last sign that begins one, else to behind the last repeat that has
    been done. Endings are played at their times only."""
    out: list[int] = []
    start, at, time = 0, 0, 1
    while at < len(bars):
        bar = bars[at]
        if bar.begins and at > start:
            start, time = at, 1
        if bar.endings and time not in bar.endings:
            at = _behind(bars, at)
            continue
        out.append(at)
        if len(out) > MOST_BARS:
            raise DataError(f"with its repeats the score has more than {MOST_BARS:,} bars")
        if bar.ends and time < _times(bars, start):
            at, time = start, time + 1
            continue
        if bar.ends or (bar.double and time > 1):
            start, time = at + 1, 1
        at += 1
    return out


def _behind(bars: Sequence[Bar], at: int) -> int:
    """The bar behind the ending that begins here."""
    while at < len(bars):
        closed = bars[at].ends or bars[at].double
        at += 1
        if closed or (at < len(bars) and (bars[at].endings or bars[at].begins)):
            break
    return at


def _times(bars: Sequence[Bar], start: int) -> int:
    """How many times the section from here is played, its endings told."""
    times = 1
    for at in range(start, len(bars)):
        bar = bars[at]
        times = max(times, bar.ends + 1, *bar.endings, 1)
        if bar.ends and not (at + 1 < len(bars) and bars[at + 1].endings):
            break
    return times


def played(score: Score) -> Score:
    """The score with its repeats written out; bars then have no signs."""
    places = order(score.bars)
    if places == list(range(len(score.bars))):
        return score
    starts = _starts(score.bars, places)
    return replace(
        score,
        parts=tuple(_part(part, score.bars, places, starts) for part in score.parts),
        chords=tuple(_laid(score.chords, score.bars, places, starts)),
        changes=tuple(_laid(score.changes, score.bars, places, starts)),
        bars=tuple(
            Bar(start, score.bars[place].length)
            for place, start in zip(places, starts, strict=True)
        ),
    )


def _starts(bars: Sequence[Bar], places: Sequence[int]) -> list[Fraction]:
    out, at = [], Fraction(0)
    for place in places:
        out.append(at)
        at += bars[place].length
    return out


def _part(
    part: Part, bars: Sequence[Bar], places: Sequence[int], starts: Sequence[Fraction]
) -> Part:
    return replace(part, notes=tuple(_laid(part.notes, bars, places, starts)))


def _laid(
    things: Sequence[_Thing], bars: Sequence[Bar], places: Sequence[int], starts: Sequence[Fraction]
) -> list[_Thing]:
    """What stands in bars, at every time that its bar is played."""
    onsets = [one.onset for one in things]
    out: list[_Thing] = []
    for place, start in zip(places, starts, strict=True):
        bar = bars[place]
        low, high = bisect_left(onsets, bar.onset), bisect_left(onsets, bar.end)
        shift = start - bar.onset
        out += [replace(one, onset=one.onset + shift) for one in things[low:high]]
    return out
