"""Beams over the notes of a measure of MusicXML: within a beat, a level for every flag.

Knows elements that are written already and where they sound; no score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from xml.etree import ElementTree as XML

from genloom.music.metre import Metre

FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4, "128th": 5}


@dataclass(frozen=True)
class Stem:
    """One note, or what sounds with it. onset: quarters from the bar line; rest: it has no beam."""

    node: XML.Element
    onset: Fraction
    word: str
    rest: bool

    @property
    def flags(self) -> int:
        return 0 if self.rest else FLAGS.get(self.word, 0)


def beat_of(metre: Metre | None) -> Fraction:
    """Quarters that are beamed together: in even metres of quarters and halves half a bar of 4/4,
    else a beat."""
    if metre is None:
        return Fraction(1)
    return max(metre.beat, Fraction(2)) if metre.bar == 4 and not metre.compound else metre.beat


def beamed(stems: Sequence[Stem], metre: Metre | None) -> None:
    """Add beams to the notes of a measure, in order."""
    beat = beat_of(metre)
    for _, some in groupby(stems, lambda one: (int(one.onset / beat), one.flags > 0)):
        group = list(some)
        if len(group) > 1 and group[0].flags:
            _beam(group)


def _beam(group: Sequence[Stem]) -> None:
    for level in range(1, max(one.flags for one in group) + 1):
        for place, one in enumerate(group):
            if one.flags < level:
                continue
            before = place > 0 and group[place - 1].flags >= level
            behind = place + 1 < len(group) and group[place + 1].flags >= level
            _put(one.node, level, _word(before, behind, first=place == 0))


def _word(before: bool, behind: bool, first: bool) -> str:
    if before and behind:
        return "continue"
    if before or behind:
        return "end" if before else "begin"
    return "forward hook" if first else "backward hook"


def _put(node: XML.Element, level: int, word: str) -> None:
    """Before the notations, as the schema orders it."""
    made = XML.Element("beam", number=str(level))
    made.text = word
    told = node.find("notations")
    node.insert(len(node) if told is None else list(node).index(told), made)
