"""One voice of an ABC tune while it is read: where it is, what is pending, what was heard.

Knows accidentals by key and by bar, tuplets, broken rhythm, ties, repeats. Knows no text but the
spelling of single notes, bar lines and endings.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from genloom.errors import DataError
from genloom.music.keys import NATURAL, Key
from genloom.music.metre import Metre
from genloom.music.score import Bar, Change, Chord, Note

_SPELT = re.compile(r"(\^\^|\^|__|_|=)?([A-Ga-g])([,']*)")
_SIGN = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_MORE = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # how many are played in the time of what: (2 is 2 in 3
MOST_TIMES = 16  # of a repeat


class Voice:
    """Notes and bars so far. unit: quarter notes of a note without a length."""

    def __init__(self, key: Key, extra: dict[str, int], metre: Metre | None, unit: Fraction):
        self.signs = {**key.alterations, **extra}
        self.metre, self.unit = metre, unit
        self.notes: list[Note] = []
        self.bars: list[Bar] = []
        self.chords: list[Chord] = []
        self.changes: list[Change] = []
        self.at = Fraction(0)
        self.start = Fraction(0)  # of this bar
        self._altered: dict[tuple[str, str], int] = {}  # in this bar
        self._held: dict[int, tuple[str, str, int]] = {}  # tied over: pitch -> how it was written
        self._tuplet = (Fraction(1), 0)  # factor, how many notes it still holds for
        self._broken = Fraction(1)
        self._last: list[int] = []  # places of the notes that sounded last
        self._graces: tuple[int, ...] = ()
        self._slurs = 0
        self._begins = False
        self._endings: tuple[int, ...] = ()

    # --- notes

    def note(self, spelt: list[str], factor: Fraction, ties: list[bool] | None = None) -> None:
        """Notes that sound together, and the time that they take."""
        length = self._time(factor)
        self._last = []
        pitches = [self._pitch(one) for one in spelt]
        for place in sorted(range(len(pitches)), key=pitches.__getitem__):
            pitch = pitches[place]
            if self._last and self.notes[self._last[-1]].pitch == pitch:
                continue
            made = Note(self.at, length, pitch, tied=bool(ties and ties[place]))
            if not self._last:
                made = replace(made, grace=self._graces, slur=min(self._slurs, 1))
            self._last.append(len(self.notes))
            self.notes.append(made)
        self._graces, self._slurs = (), 0
        self.at += length

    def rest(self, sign: str, factor: Fraction) -> None:
        """z and x are rests, Z and X rests of whole bars."""
        if sign in "ZX":
            if factor.denominator != 1 or factor > 999:
                raise DataError(f"a rest of {factor} bars: give a whole number up to 999")
            size = self.metre.bar if self.metre is not None else Fraction(4)
            for n in range(int(factor)):
                if n:
                    self.bar_line("|", "")
                self.at += size
        else:
            self.at += self._time(factor)
        self._last = []

    def _time(self, factor: Fraction) -> Fraction:
        length = self.unit * factor * self._broken
        self._broken = Fraction(1)
        share, left = self._tuplet
        if left:
            length *= share
            self._tuplet = (share, left - 1)
        return length

    def _pitch(self, spelt: str) -> int:
        sign, letter, marks = _SPELT.match(spelt).groups()  # type: ignore[union-attr]
        octave = 5 if letter.islower() else 4
        octave += marks.count("'") - marks.count(",")
        letter, place = letter.upper(), str(octave)
        if sign is not None:
            self._altered[letter, place] = _SIGN[sign]
        natural = 12 * (octave + 1) + NATURAL[letter]
        altered = self._altered.get((letter, place))
        if altered is None:
            altered = self.signs.get(letter, 0)
            held = [x for x in (-2, -1, 0, 1, 2) if natural + x in self._held]
            if held and self._held[natural + held[0]] == (letter, place, held[0]):
                altered = held[0]
        pitch = natural + altered
        if not 0 <= pitch <= 127:
            raise DataError(f"the note {spelt} is beyond the pitches of MIDI")
        self._held = {}
        self._spelt = (letter, place, altered)
        return pitch

    def tie(self) -> None:
        for place in self._last:
            self.notes[place] = replace(self.notes[place], tied=True)
        if len(self._last) == 1:
            self._held = {self.notes[self._last[0]].pitch: self._spelt}

    def open_slur(self) -> None:
        self._slurs += 1

    def close_slur(self) -> None:
        if self._last:
            place = self._last[0]
            self.notes[place] = replace(self.notes[place], slur=-1)

    def grace(self, spelt: list[str]) -> None:
        self._graces = tuple(self._pitch(one) for one in spelt[:16])

    def symbol(self, text: str) -> None:
        """A chord over the staff; what ^ _ < > @ place are words, not chords."""
        text = text.strip()
        if text and text[0] not in "^_<>@":
            self.chords.append(Chord(self.at, text[:60]))

    def tuplet(self, p: int, q: int, r: int) -> None:
        """p notes in the time of q, for the next r."""
        compound = self.metre is not None and self.metre.compound
        q = q or _MORE.get(p, 3 if compound else 2)
        self._tuplet = (Fraction(q, p), r or p)

    def break_rhythm(self, sign: str) -> None:
        """a>b: the first by half longer, the second by half shorter."""
        if not self._last:
            return
        short = Fraction(1, 2 ** len(sign))
        factor, other = (2 - short, short) if sign[0] == ">" else (short, 2 - short)
        for place in self._last:
            note = self.notes[place]
            self.notes[place] = replace(note, length=note.length * factor)
        self.at = self.notes[self._last[0]].end
        self._broken = other

    # --- bars

    def bar_line(self, text: str, ending: str) -> None:
        """What a bar line says of the bar before and the bar after it."""
        left, right = text.split("|", 1)[0] if "|" in text else text, text
        ends = left.count(":") if "|" in text else text.count(":") // 2 or text.count(":")
        begins = right.rstrip("0123456789").endswith(":") and ("|" in text or len(text) > 1)
        double = "||" in text or "]" in text or text.startswith("[") or "[|" in text
        self._close(min(ends, MOST_TIMES), double)
        if begins:
            self._begins = True
        if ending:
            self.ending(ending)

    def ending(self, text: str) -> None:
        """First, second and other endings begin: "1", "1,3", "1-3"."""
        self._close(0, False)
        times: list[int] = []
        for part in text.strip(",-").split(","):
            low, _, high = part.partition("-")
            first = int(low or 0)
            times += range(first, int(high or first) + 1)
            if len(times) > MOST_TIMES or first > MOST_TIMES:
                raise DataError(f"an ending for the times {text[:20]}: {MOST_TIMES} at most")
        self._endings = tuple(sorted({time for time in times if time}))

    def close(self) -> None:
        """The last bar, where no line ends it."""
        self._close(0, False)

    def _close(self, ends: int, double: bool) -> None:
        self._altered, self._tuplet = {}, (Fraction(1), 0)
        if self.at == self.start:  # two lines in a row: signs of the bar before
            if self.bars and (ends or double):
                last = self.bars.pop()
                made = replace(last, ends=max(ends, last.ends), double=double or last.double)
                self.bars.append(made)
            return
        self.bars.append(
            Bar(self.start, self.at - self.start, self._begins, ends, self._endings, double)
        )
        self.start, self._begins, self._endings = self.at, False, ()

    # --- changes

    def turn_key(self, key: Key, extra: dict[str, int]) -> None:
        self.signs = {**key.alterations, **extra}
        self._change(Change(self.at, key=key))

    def turn_metre(self, metre: Metre | None) -> None:
        self.metre = metre
        self._change(Change(self.at, metre=metre))

    def turn_tempo(self, tempo: float) -> None:
        self._change(Change(self.at, tempo=tempo))

    def _change(self, made: Change) -> None:
        """Together with others at the same place."""
        if self.changes and self.changes[-1].onset == made.onset:
            last = self.changes.pop()
            made = Change(
                made.onset,
                made.key or last.key,
                made.metre or last.metre,
                made.tempo or last.tempo,
            )
        self.changes.append(made)
