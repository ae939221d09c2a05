"""The lines of an ABC file that are no music: where tunes begin, what their fields say.

Knows the information fields of ABC 2.1 (abcnotation.com/wiki/abc:standard:v2.1) that a score has a
place for: X T R M L K Q V Z. Knows no note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from genloom.errors import DataError
from genloom.music.keys import Key, parse_key
from genloom.music.metre import Metre, parse_metre
from genloom.music.score import C_MAJOR

LARGEST = 64 << 20  # characters of a file
_FIELD = re.compile(r"([A-Za-z+])\s*:\s*(.*)$")
_NUMBER = re.compile(r"(\d{1,4})\s*/\s*(\d{1,4})$|(\d{1,4})$")
_TEMPO = re.compile(r'(?:"[^"]*"\s*)?((?:\d{1,3}/\d{1,3}\s*)*)(?:=\s*)?(\d{1,4}(?:\.\d+)?)')
_IDENTIFIER = re.compile(r"id:\s*\w+-([a-z]+)-\d+")  # a collection's: "id:hn-reel-12"
_CLEFS = ("exp", "clef", "treble", "bass", "alto", "tenor")
_ACCIDENTAL = {"^": 1, "_": -1, "=": 0}


@dataclass
class Header:
    """What the fields of one tune have said so far."""

    number: str = ""
    titles: list[str] = field(default_factory=list)
    kind: str = ""
    metre: Metre | None = None
    metre_told: bool = False
    unit: Fraction | None = None
    key: Key = C_MAJOR
    extra: dict[str, int] = field(default_factory=dict)  # accidentals beside the key's own
    tempo: float = 120.0
    keyed: bool = False

    @property
    def length(self) -> Fraction:
        """Quarter notes of the unit note: told, or by the metre (below 3/4 a sixteenth)."""
        if self.unit is not None:
            return self.unit
        short = self.metre is not None and self.metre.bar < 3
        return Fraction(1, 4) if short else Fraction(1, 2)

    def take(self, name: str, value: str) -> None:
        """Note what a field says; fields that a score has no place for are passed over."""
        value = plain(value)
        if name == "X":
            self.number = value
        elif name == "T" and value:
            self.titles.append(value[:200])
        elif name == "R":
            self.kind = value.lower()[:40]
        elif name == "Z" and not self.kind:
            found = _IDENTIFIER.search(value)
            self.kind = found[1] if found else ""
        elif name == "M":
            self.metre, self.metre_told = parse_metre(value), True
        elif name == "L":
            self.unit = 4 * fraction(value)
        elif name == "Q":
            self.tempo = tempo_of(value, self.length)
        elif name == "K":
            self.key, self.extra = key_of(value)
            self.keyed = True


def plain(value: str) -> str:
    """Without a comment at its end."""
    return re.sub(r"(?<!\\)%.*", "", value).strip()


def fraction(text: str) -> Fraction:
    """From "1/8" or "2"."""
    found = _NUMBER.match(text.strip())
    if found is None or found[2] == "0" or "0" in (found[1], found[3]):
        raise DataError(f"{text.strip()[:40]!r} is no note length: give one such as 1/8")
    return Fraction(int(found[1] or found[3]), int(found[2] or 1))


def tempo_of(text: str, unit: Fraction) -> float:
    """Quarter notes a minute, from "1/4=120", "3/8=100", "120" (unit notes) or words."""
    found = _TEMPO.match(text)
    if found is None:
        return 120.0
    beats = [fraction(one) for one in found[1].split()]
    quarters = 4 * sum(beats, Fraction(0)) if beats else unit
    return min(max(float(found[2]) * float(quarters), 10.0), 1000.0)


def key_of(text: str) -> tuple[Key, dict[str, int]]:
    """A key and accidentals beside it: "D Phr ^f"; "none", "HP" (bagpipes) and clefs, too."""
    words = [one for one in text.split() if "=" not in one[1:] and one not in _CLEFS]
    first = words[0] if words else "none"
    if first.lower() in ("none", ""):
        return Key(), {}
    if first in ("HP", "Hp"):
        return Key("D"), {}
    rest = words[1:]
    mode = rest.pop(0) if rest and re.match(r"[A-Za-z]{1,12}$", rest[0]) else ""
    extra = {}
    for word in rest:
        if len(word) >= 2 and word[0] in _ACCIDENTAL and word[-1].upper() in "ABCDEFG":
            extra[word[-1].upper()] = _ACCIDENTAL[word[0]]
    return parse_key(f"{first} {mode}" if mode else first), extra


def field_of(line: str) -> tuple[str, str] | None:
    """Name and value of a line that is a field; None of music."""
    found = _FIELD.match(line)
    if found is None or (found[1] == "|" or line[:2] in ("|:", "::")):
        return None
    return found[1], found[2]


def tunes(text: str) -> Iterator[tuple[int, list[str]]]:
    """The tunes of a file: number of their first line, and their lines. A tune begins with X: and
    ends at an empty line or at the next; a file without any X: is one tune. DataError where there
    is no K: either."""
    if len(text) > LARGEST:
        raise DataError(f"a file of {len(text):,} characters: {LARGEST:,} at most")
    lines = text.splitlines()
    if not any(line.startswith(("X:", "K:")) for line in lines):
        raise DataError("no tune begins there: no line is X: or K:")
    marked = any(line.startswith("X:") for line in lines)
    tune: list[str] = []
    first, within = 1, not marked
    for number, line in enumerate(lines, 1):
        begins = line.startswith("X:")
        ended = begins or (marked and not line.strip())
        if ended and tune:
            yield first, tune
            tune, within = [], False
        if begins:
            first, within = number, True
        if within and line.strip():
            tune.append(line)
    if tune:
        yield first, tune
