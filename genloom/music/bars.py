"""Bars of a score: made from the metre where there are none, cut into slices of constant sound, and
whether they add up.

Knows scores and metre; no notation.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from genloom.errors import DataError
from genloom.music.metre import Metre
from genloom.music.score import Bar, Note, Score

MOST_BARS = 100_000


@dataclass(frozen=True, slots=True)
class Slice:
    """From one onset or end to the next within a bar. notes: what sounds, a rest where nothing;
    starts: whether each begins here."""

    onset: Fraction
    length: Fraction
    notes: tuple[Note, ...]
    starts: tuple[bool, ...]

    @property
    def end(self) -> Fraction:
        return self.onset + self.length

    def goes_on(self, place: int) -> bool:
        """Whether this note sounds on behind the slice."""
        note = self.notes[place]
        return note.end > self.end or note.tied


def barred(score: Score) -> Score:
    """With bars of its metre, where it has none; its last one is filled up."""
    if score.bars:
        return score
    changes = [c for c in score.changes if c.metre is not None]
    metre, at, out, end = score.metre, Fraction(0), [], score.end
    while at < end:
        while changes and changes[0].onset <= at:
            metre = changes.pop(0).metre
        size = metre.bar if metre is not None else Fraction(4)
        out.append(Bar(at, size))
        at += size
        if len(out) > MOST_BARS:
            raise DataError(f"a score of more than {MOST_BARS:,} bars: it is not written out")
    return replace(score, bars=tuple(out))


def sliced(notes: Sequence[Note], bars: Sequence[Bar]) -> list[list[Slice]]:
    """What sounds when, bar by bar. Notes that go over a bar line are in both bars."""
    within: list[list[Note]] = [[] for _ in bars]
    starts = [bar.onset for bar in bars]
    for note in notes:
        place = max(bisect_right(starts, note.onset) - 1, 0)
        while place < len(bars) and bars[place].onset < note.end:
            within[place].append(note)
            place += 1
    return [_slices(bar, some) for bar, some in zip(bars, within, strict=True)]


def _slices(bar: Bar, notes: Sequence[Note]) -> list[Slice]:
    inner = {x for n in notes for x in (n.onset, n.end) if bar.onset < x < bar.end}
    points = [bar.onset, *sorted(inner), bar.end]
    out, going, next_one = [], [], 0
    ordered = sorted(notes, key=lambda n: (n.onset, n.pitch))
    for at, until in pairwise(points):
        going = [note for note in going if note.end > at]
        while next_one < len(ordered) and ordered[next_one].onset <= at:
            going.append(ordered[next_one])
            next_one += 1
        sounding = tuple(sorted(_distinct(going), key=lambda n: n.pitch))
        begin = tuple(note.onset == at for note in sounding)
        out.append(Slice(at, until - at, sounding, begin))
    return out


def _distinct(notes: Sequence[Note]) -> list[Note]:
    """One a pitch, the latest."""
    return list({note.pitch: note for note in notes}.values())


def faults(score: Score) -> list[int]:
    """The places of bars that do not hold what the metre says.

    As in practice, a bar may be short where a section begins (an upbeat) or ends (what completes
    the upbeat): at the ends of the tune, at repeats, endings, double lines and changes of metre."""
    out, metre = [], score.metre
    changes = [c for c in score.changes if c.metre is not None]
    for place, bar in enumerate(score.bars):
        turned = False
        while changes and changes[0].onset <= bar.onset:
            metre, turned = changes.pop(0).metre, True
        if metre is None or bar.length == metre.bar:
            continue
        at_edge = turned or _begins(score.bars, place) or _ends(score.bars, place)
        soon = bool(changes) and changes[0].onset <= bar.end
        if bar.length > metre.bar or not (at_edge or soon):
            out.append(place)
    return out


def _begins(bars: Sequence[Bar], place: int) -> bool:
    """Whether a section begins with this bar."""
    bar = bars[place]
    if place == 0 or bar.begins or bar.endings:
        return True
    return bool(bars[place - 1].ends or bars[place - 1].double)


def _ends(bars: Sequence[Bar], place: int) -> bool:
    bar = bars[place]
    return bool(bar.ends or bar.double) or place + 1 == len(bars) or _begins(bars, place + 1)


def full(metre: Metre | None) -> Fraction:
    """Quarter notes of a bar; without a metre, of four quarters."""
    return metre.bar if metre is not None else Fraction(4)
