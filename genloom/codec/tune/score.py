"""Words of `tune_words` back as a score; any ids at all become one.

Where an id has no meaning at its place it is passed over: an untrained model writes such tunes.
Knows words and scores; no rule of what may follow what, which is `tune_form`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from genloom.codec.tune.words import (
    AFTER,
    BEFORE,
    BEGIN,
    CHORDS_AT,
    DEGREES,
    DEGREES_AT,
    DOUBLE,
    EOS,
    FIRST,
    GRACE,
    KINDS,
    LENGTH_OF,
    LENGTHS_AT,
    LOWERED,
    METRES,
    METRES_AT,
    MODE_NAMES,
    MODES_AT,
    PLAN,
    QUALITIES,
    QUALITIES_AT,
    RAISED,
    REPEAT,
    REST,
    SECOND,
    SORT,
    TIE,
    TONICS_AT,
    TYPES_AT,
    USUAL,
    WITH,
    ids_of,
)
from genloom.music.keys import Key
from genloom.music.metre import parse_metre
from genloom.music.score import Bar, Change, Chord, Note, Part, Score

TEMPI = {  # quarter notes a minute that dancers are used to; where a type has none, 120
    "reel": 190.0,
    "jig": 170.0,
    "slip jig": 170.0,
    "slide": 190.0,
    "hornpipe": 150.0,
    "polka": 130.0,
    "waltz": 110.0,
    "air": 80.0,
    "march": 110.0,
}


def arranged(ids: Sequence[int]) -> list[int]:
    """Ids of a tune whose gap was filled, in the order in which it is played: up to eos, with what
    stands behind the gap at its end."""
    out = list(ids)
    if EOS in out:
        out = out[: out.index(EOS)]
    out = [one for one in unplanned(out) if SORT[one] != "bars"]
    if AFTER not in out:
        return [one for one in out if one != BEFORE]
    at = out.index(AFTER)
    back = out.index(BEFORE) if BEFORE in out else len(out)
    head, behind, before = out[:at], out[at + 1 : back], out[back + 1 :]
    return [one for one in (*head, *before, *behind) if one not in (AFTER, BEFORE)]


def unplanned(ids: Sequence[int]) -> list[int]:
    """Without the chords that are told ahead."""
    out, within = [], False
    for one in ids:
        if one == PLAN:
            within = not within
        elif not within:
            out.append(one)
    return out


def score_of(ids: Sequence[int]) -> Score:
    """The score of a run of ids, whatever they are."""
    maker = _Maker()
    for one in arranged([one for one in ids if 0 <= one < len(SORT)]):
        maker.take(one)
    return maker.score()


class _Maker:
    """A score in the making."""

    def __init__(self) -> None:
        self.kind, self.metre_name = "", "C"
        self.tonic, self.mode = 0, "major"
        self.first_key: Key | None = None
        self.first_metre: str | None = None
        self.at = self.start = Fraction(0)
        self.notes: list[Note] = []
        self.bars: list[Bar] = []
        self.chords: list[Chord] = []
        self.changes: list[Change] = []
        self.length, self.sign, self.root = USUAL, 0, -1
        self.graced = self.joins = False
        self.graces: list[int] = []
        self.last: int | None = None  # place of the note that came last
        self.begins = False
        self.endings: tuple[int, ...] = ()

    def take(self, one: int) -> None:
        sort = SORT[one]
        if sort == "degree":
            self._pitch(one - DEGREES_AT + DEGREES[0])
        elif sort == "length":
            self.length = LENGTH_OF[one - LENGTHS_AT]
        elif sort == "line":
            self._line(one)
        elif sort == "sign":
            self._sign(one)
        elif sort == "chord":
            self.root = one - CHORDS_AT
        elif sort == "quality":
            self._chord(QUALITIES[one - QUALITIES_AT])
        elif sort != "special":
            self._told(one, sort)

    def _told(self, one: int, sort: str) -> None:
        """A field of the header, or a change of one at the beginning of a bar."""
        if sort == "type":
            self.kind = KINDS[one - TYPES_AT] if not self.notes else self.kind
        elif sort == "metre":
            self.metre_name = METRES[one - METRES_AT]
        elif sort == "tonic":
            self.tonic = one - TONICS_AT
        else:
            self.mode = MODE_NAMES[one - MODES_AT]
        if self.first_key is not None and one in _CHANGING:
            self._changed(sort)

    def _changed(self, sort: str) -> None:
        told = Change(self.start)
        if self.changes and self.changes[-1].onset == self.start:
            told = self.changes.pop()
        key, metre = told.key, told.metre
        if sort == "metre":
            metre = parse_metre(self.metre_name)
        else:
            key = self.key
        self.changes.append(Change(self.start, key, metre))

    @property
    def key(self) -> Key:
        return Key("C", self.mode).up(self.tonic)

    def _begun(self) -> None:
        """The header ends with the first sound."""
        if self.first_key is None:
            self.first_key, self.first_metre = self.key, self.metre_name

    def _pitch(self, degree: int) -> None:
        self._begun()
        octave, step = divmod(degree, 7)
        key = self.key
        above = (key.scale[step] - key.pitch_class) % 12
        pitch = 60 + key.pitch_class + 12 * octave + above + self.sign
        pitch = min(max(pitch, 0), 127)
        self.sign = 0
        if self.graced:
            self.graces.append(pitch)
            self.graced = False
            return
        if self.joins and self.last is not None:
            before = self.notes[self.last]
            self.notes.append(Note(before.onset, before.length, pitch))
        else:
            grace = tuple(self.graces[:16])
            self.notes.append(Note(self.at, self.length, pitch, grace=grace))
            self.at += self.length
            self.graces = []
        self.joins, self.length = False, USUAL
        self.last = len(self.notes) - 1

    def _sign(self, one: int) -> None:
        if one in (RAISED, LOWERED):
            self.sign = 1 if one == RAISED else -1
        elif one == REST:
            self._begun()
            self.at += self.length
            self.length, self.last, self.joins = USUAL, None, False
        elif one == TIE and self.last is not None:
            note = self.notes[self.last]
            self.notes[self.last] = Note(
                note.onset, note.length, note.pitch, tied=True, grace=note.grace
            )
        elif one == WITH:
            self.joins = True
        elif one == GRACE:
            self.graced = True

    def _chord(self, quality: str) -> None:
        if self.root < 0:
            return
        self._begun()
        letter, sign, _ = self.key.spell(60 + self.key.pitch_class + self.root)
        name = letter + {-1: "b", 0: "", 1: "#"}[sign] + quality
        self.chords.append(Chord(self.at, name))
        self.root = -1

    def _line(self, one: int) -> None:
        if one == BEGIN:
            self.begins = True
        elif one in (FIRST, SECOND):
            self.endings = (1,) if one == FIRST else (2,)
        elif self.at > self.start:
            ends, double = int(one == REPEAT), one == DOUBLE
            length = self.at - self.start
            self.bars.append(Bar(self.start, length, self.begins, ends, self.endings, double))
            self.start, self.begins, self.endings = self.at, False, ()

    def score(self) -> Score:
        """What came, with a last bar that nothing closed."""
        if self.at > self.start:
            self.bars.append(
                Bar(self.start, self.at - self.start, self.begins, 0, self.endings, False)
            )
        key = self.first_key or self.key
        name = self.first_metre or self.metre_name
        ordered = sorted(self.notes, key=lambda note: (note.onset, note.pitch))
        return Score(
            title=title(self.kind, key),
            kind=self.kind,
            key=key,
            metre=parse_metre(name),
            tempo=TEMPI.get(self.kind, 120.0),
            parts=(Part(tuple(ordered), "", 73),),
            bars=tuple(self.bars),
            chords=tuple(self.chords),
            changes=tuple(self.changes),
        )


def title(kind: str, key: Key) -> str:
    """What a tune without a name is called: "Reel in D mixolydian"."""
    name = kind if kind not in ("", "other") else "tune"
    return f"{name.capitalize()} in {key}"


_CHANGING = {*ids_of("metre"), *ids_of("tonic"), *ids_of("mode")}
