"""ABC into scores: notes, bars, repeats, tuplets, broken rhythm, ties, slurs, graces, chords.

Knows the music lines of ABC 2.1; fields are in `abc_fields`. What it does not know (decorations,
words, layout) it passes over, as the standard asks; what cannot be music is a DataError in one line
that names the line. Each voice becomes a part; bars, chord symbols and changes are the first's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from genloom.errors import DataError
from genloom.music.abc_fields import Header, field_of, fraction, key_of, plain, tempo_of, tunes
from genloom.music.abc_voice import Voice
from genloom.music.metre import parse_metre
from genloom.music.score import MOST_NOTES, Part, Score

_LENGTH = r"\d{0,4}/{0,8}\d{0,4}"
_NOTE = r"(?:\^\^|\^|__|_|=)?[A-Ga-g][,']{0,6}"
_TOKEN = re.compile(
    rf"""(?P<inline>\[[A-Za-z]:[^\]\n]*\])
    |(?P<bar>:*\|*\[\|+\]?:*|:*\|+\]?:*|::+|:+\|?)(?P<ending>\s*\[?[1-9][0-9,\-]*(?![A-Ga-g\d/]*/))?
    |\[(?P<alone>[1-9][0-9,\-]*)
    |(?P<stack>\[(?:\s|"[^"]*"|{_NOTE}{_LENGTH}-?)+\]){_LENGTH}
    |(?P<note>{_NOTE})(?P<length>{_LENGTH})
    |(?P<rest>[zxZX])(?P<silence>{_LENGTH})
    |\((?P<tuplet>[2-9])(?::(?P<q>\d?))?(?::(?P<r>\d?))?
    |(?P<grace>\{{[^}}]*\}})
    |(?P<symbol>"[^"]*")
    |(?P<decoration>![^!|\s]{{1,24}}!|\+[^+|\s]{{1,24}}\+)
    |(?P<broken>>{{1,3}}|<{{1,3}})
    |(?P<tie>-)|(?P<open>\()|(?P<close>\))|(?P<overlay>&)
    |(?P<other>.)""",
    re.VERBOSE,
)
_ONE = re.compile(rf"({_NOTE})({_LENGTH})(-?)")
_AFTER = re.compile(r"\]([0-9/]*)$")
_PROGRAM = re.compile(r"%%MIDI\s+program\s+(?:\d+\s+)?(\d+)")
_NAME = re.compile(r'(?:name|nm)\s*=\s*"([^"]*)"')


def read_abc(text: str) -> list[Score]:
    """Every tune of a file. DataError where one cannot be read: `read_each` tells which."""
    out = []
    for line, one in read_each(text):
        if isinstance(one, DataError):
            raise DataError(f"the tune of line {line}: {one}")
        out.append(one)
    return out


def read_each(text: str) -> Iterator[tuple[int, Score | DataError]]:
    """The number of its first line, and the score or why there is none, of each tune."""
    for first, lines in tunes(text):
        try:
            yield first, _Tune(first).read(lines)
        except DataError as error:
            yield first, error


def length_of(text: str) -> Fraction:
    """The factor of a length such as "3/2", "/", "//" or ""."""
    if not text:
        return Fraction(1)
    top, slashes, bottom = re.match(r"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    below = int(bottom) if bottom else 2 ** len(slashes)
    if below == 0 or top == "0" or below > 512:
        raise DataError(f"a note length of {text!r}: give one such as 3/2")
    return Fraction(int(top or 1), below)


class _Tune:
    """One tune in the making."""

    def __init__(self, first: int) -> None:
        self.line = first
        self.header = Header()
        self.voices: dict[str, Voice] = {}
        self.names: dict[str, str] = {}
        self.programs: dict[str, int] = {}
        self.current = "1"
        self.count = 0

    def read(self, lines: list[str]) -> Score:
        for number, line in enumerate(lines, self.line):
            try:
                self._line(line)
            except DataError as error:
                raise DataError(f"line {number}: {error}") from None
        return self._score()

    def _line(self, line: str) -> None:
        if line.startswith("%"):
            found = _PROGRAM.match(line)
            if found:
                self.programs[self.current] = min(int(found[1]), 127)
            return
        told = field_of(line)
        if told is None:
            self._music(plain(line))
        elif told[0] == "V":
            self._turn(told[1])
        elif not self.header.keyed:
            self.header.take(*told)
        else:
            self._change(*told)

    def _turn(self, value: str) -> None:
        """To another voice."""
        words = plain(value).split()
        self.current = words[0] if words else "1"
        found = _NAME.search(value)
        if found:
            self.names[self.current] = found[1][:60]
        if len(self.names) > 64 or len(self.voices) > 64:
            raise DataError("more than 64 voices")

    @property
    def voice(self) -> Voice:
        made = self.voices.get(self.current)
        if made is None:
            h = self.header
            made = self.voices[self.current] = Voice(h.key, h.extra, h.metre, h.length)
        return made

    def _change(self, name: str, value: str) -> None:
        """A field within the tune."""
        value = plain(value)
        if name == "K":
            self.voice.turn_key(*key_of(value))
        elif name == "M":
            self.voice.turn_metre(parse_metre(value))
        elif name == "L":
            self.voice.unit = 4 * fraction(value)
        elif name == "Q":
            self.voice.turn_tempo(tempo_of(value, self.voice.unit))
        elif name == "V":
            self._turn(value)
        elif name in "TR":
            self.header.take(name, value)

    def _music(self, line: str) -> None:
        if not self.header.keyed:
            self.header.keyed = True  # some leave K: out
        for found in _TOKEN.finditer(line):
            kind = found.lastgroup or ""
            self._event(kind, found)
            if self.count > MOST_NOTES:
                raise DataError(f"more than {MOST_NOTES:,} notes")

    def _event(self, kind: str, found: re.Match[str]) -> None:
        voice = self.voice
        if found["note"]:
            self.count += 1
            voice.note([found["note"]], length_of(found["length"]))
        elif found["bar"]:
            voice.bar_line(found["bar"], (found["ending"] or "").strip(" ["))
        elif found["alone"]:
            voice.ending(found["alone"])
        elif found["inline"]:
            self._change(found["inline"][1], found["inline"][3:-1])
        elif found["stack"]:
            self._stack(found[0])
        elif found["rest"]:
            voice.rest(found["rest"], length_of(found["silence"]))
        elif found["tuplet"]:
            voice.tuplet(int(found["tuplet"]), int(found["q"] or 0), int(found["r"] or 0))
        elif found["grace"]:
            voice.grace([one[1] for one in _ONE.finditer(found["grace"])])
        elif found["symbol"]:
            voice.symbol(found["symbol"][1:-1])
        elif found["broken"]:
            voice.break_rhythm(found["broken"])
        elif found["overlay"]:
            raise DataError("voices overlaid by & are not read: write them as voices with V:")
        elif kind in ("tie", "open", "close"):
            {"tie": voice.tie, "open": voice.open_slur, "close": voice.close_slur}[kind]()

    def _stack(self, text: str) -> None:
        """Notes that sound together: [CEG]2; the length is the first's."""
        inside = list(_ONE.finditer(text))
        self.count += len(inside)
        after = _AFTER.search(text)
        length = length_of(after[1] if after else "") * length_of(inside[0][2])
        ties = [bool(one[3]) for one in inside]
        self.voice.note([one[1] for one in inside], length, ties)

    def _score(self) -> Score:
        h = self.header
        for voice in self.voices.values():
            voice.close()
        if not any(voice.notes for voice in self.voices.values()):
            raise DataError("no notes")
        first = next(iter(self.voices.values()))
        parts = tuple(
            Part(tuple(voice.notes), self.names.get(name, ""), self.programs.get(name, 0))
            for name, voice in self.voices.items()
        )
        return Score(
            title=h.titles[0] if h.titles else "",
            kind=h.kind,
            key=h.key,
            metre=h.metre,
            tempo=h.tempo,
            unit=h.length,
            parts=parts,
            bars=tuple(first.bars),
            chords=tuple(first.chords),
            changes=tuple(first.changes),
        )
