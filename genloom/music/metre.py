"""Metre: how many beats a bar has, and whether bars hold them.

A tune may begin with an upbeat, and bars may be split where a repeat, an ending or a double line
stands: the halves then make one bar together. Knows no notation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from genloom.errors import DataError

_PLAIN = re.compile(r"\(?\s*(\d{1,2}(?:\s*\+\s*\d{1,2})*)\s*\)?\s*/\s*(\d{1,3})$")
_SIGNS = {"C": (4, 4), "C|": (2, 2)}


@dataclass(frozen=True)
class Metre:
    """beats of the note 1/unit in a bar; sign: "C" or "C|" where it is written so."""

    beats: int = 4
    unit: int = 4
    sign: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.beats <= 99 or self.unit not in (1, 2, 4, 8, 16, 32, 64):
            raise DataError(f"a metre of {self.beats}/{self.unit}: give one such as 6/8")

    def __str__(self) -> str:
        return self.sign or f"{self.beats}/{self.unit}"

    @property
    def bar(self) -> Fraction:
        """Quarter notes in a bar."""
        return Fraction(4 * self.beats, self.unit)

    @property
    def compound(self) -> bool:
        """Whether beats come in threes: 6/8, 9/8, 12/8."""
        return self.unit >= 8 and self.beats > 3 and self.beats % 3 == 0

    @property
    def beat(self) -> Fraction:
        """Quarter notes of a felt beat: three eighths in 6/8, a quarter in 3/4."""
        return Fraction(12, self.unit) if self.compound else Fraction(4, self.unit)


def parse_metre(text: str) -> Metre | None:
    """From "6/8", "C", "C|", "2+3/8"; None for "none" and an empty text: free of any metre."""
    text = text.strip()
    if text.lower() in ("", "none"):
        return None
    if text in _SIGNS:
        return Metre(*_SIGNS[text], text)
    found = _PLAIN.match(text)
    if found is None:
        raise DataError(f"{text[:40]!r} is no metre: give one such as 6/8, C or none")
    return Metre(sum(map(int, found[1].split("+"))), int(found[2]))
