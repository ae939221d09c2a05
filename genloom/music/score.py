"""A score: what is written of a piece of music, with exact times, in no notation in particular.

Times are `Fraction`s of a quarter note from the beginning, as written: repeats are signs on bars,
and `repeats.played` writes them out. Knows no file format, no picture and no sound.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from genloom.errors import DataError
from genloom.music.keys import Key, pitch_class
from genloom.music.metre import Metre

PITCHES = range(128)  # MIDI: 60 is middle C
VELOCITY = 80  # mezzo forte
MOST_NOTES = 1_000_000
C_MAJOR, COMMON_TIME = Key(), Metre()


@dataclass(frozen=True, slots=True)
class Note:
    """onset, length: in quarter notes; pitch and velocity as in MIDI (0-127).

    tied: goes on into the note of its pitch that begins where it ends; slur: +1 a slur begins
    here, -1 one ends; grace: pitches played quickly before it."""

    onset: Fraction
    length: Fraction
    pitch: int
    velocity: int = VELOCITY
    tied: bool = False
    slur: int = 0
    grace: tuple[int, ...] = ()

    @property
    def end(self) -> Fraction:
        return self.onset + self.length


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord symbol or another word over the staff: "Am7"."""

    onset: Fraction
    name: str


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands between two bar lines, and the signs on them.

    begins: a repeat begins here; ends: how many times what stands before is repeated (1: played
    twice); endings: the times at which this bar and those after it are played; double: it is
    closed by a double line."""

    onset: Fraction
    length: Fraction
    begins: bool = False
    ends: int = 0
    endings: tuple[int, ...] = ()
    double: bool = False

    @property
    def end(self) -> Fraction:
        return self.onset + self.length


@dataclass(frozen=True, slots=True)
class Change:
    """Another key, metre or tempo from here on; None where it stays."""

    onset: Fraction
    key: Key | None = None
    metre: Metre | None = None
    tempo: float | None = None


@dataclass(frozen=True)
class Part:
    """One voice. instrument: a General MIDI programme, 0-127 (0 piano, 40 violin, 73 flute);
    drums: pitches are General MIDI drums instead. Notes stand in order of onset, then pitch."""

    notes: tuple[Note, ...] = ()
    name: str = ""
    instrument: int = 0
    drums: bool = False

    def sounding(self) -> list[Note]:
        """With tied notes joined into one, without ties, slurs and grace notes."""
        return joined(self.notes)


@dataclass(frozen=True)
class Score:
    """kind: the type of tune ("reel"), "" where unknown; metre: None where there is none; tempo:
    quarter notes a minute; unit: the note length (in quarter notes) that notations count in."""

    title: str = ""
    kind: str = ""
    key: Key = C_MAJOR
    metre: Metre | None = COMMON_TIME
    tempo: float = 120.0
    unit: Fraction = Fraction(1, 2)
    parts: tuple[Part, ...] = ()
    bars: tuple[Bar, ...] = ()
    chords: tuple[Chord, ...] = ()
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.tempo <= 2_000:
            raise DataError(f"a tempo of {self.tempo:g} quarter notes a minute: give 1 to 2000")
        if self.unit <= 0:
            raise DataError(f"a unit of {self.unit} quarter notes: give one above 0")
        count = 0
        for part in self.parts:
            count += len(part.notes)
            _sound(part)
        if count > MOST_NOTES:
            raise DataError(f"a score of {count:,} notes: {MOST_NOTES:,} at most")

    @property
    def notes(self) -> int:
        """How many, in all parts."""
        return sum(len(part.notes) for part in self.parts)

    @property
    def end(self) -> Fraction:
        """Where the last bar or note ends, in quarter notes."""
        ends = [note.end for part in self.parts for note in part.notes]
        return max([Fraction(0), *ends, *(bar.end for bar in self.bars[-1:])])

    @property
    def seconds(self) -> float:
        """How long it is as written, without repeats."""
        return self.clock([self.end])[0]

    def clock(self, onsets: Iterable[Fraction]) -> list[float]:
        """Seconds from the beginning, by the tempo and its changes."""
        points, seconds, tempos = [Fraction(0)], [0.0], [self.tempo]
        for change in self.changes:
            if change.tempo is not None:
                passed = float(change.onset - points[-1]) * 60 / tempos[-1]
                seconds.append(seconds[-1] + passed)
                points.append(change.onset)
                tempos.append(change.tempo)
        out = []
        for onset in onsets:
            at = max(bisect_right(points, onset) - 1, 0)
            out.append(seconds[at] + float(onset - points[at]) * 60 / tempos[at])
        return out

    def transposed(self, semitones: int) -> Score:
        """Every pitch, key and chord symbol moved; drums stay. DataError beyond MIDI's pitches."""
        parts = tuple(p if p.drums else _moved(p, semitones) for p in self.parts)
        changes = tuple(replace(one, key=one.key and one.key.up(semitones)) for one in self.changes)
        key = self.key.up(semitones)
        chords = tuple(replace(one, name=_renamed(one.name, semitones, key)) for one in self.chords)
        return replace(self, key=key, parts=parts, changes=changes, chords=chords)


def _sound(part: Part) -> None:
    """DataError where a note could not be played."""
    if not 0 <= part.instrument <= 127:
        raise DataError(f"an instrument of {part.instrument}: give a MIDI programme from 0 to 127")
    for note in part.notes:
        if not (0 <= note.pitch <= 127 and all(0 <= one <= 127 for one in note.grace)):
            raise DataError(f"a pitch of {note.pitch}: MIDI pitches go from 0 to 127")
        if not 0 <= note.velocity <= 127 or note.length <= 0 or note.onset < 0:
            raise DataError(
                f"a note at {note.onset} of length {note.length} and velocity {note.velocity}: "
                "lengths are above 0, onsets not below, velocities from 0 to 127"
            )


def joined(notes: Sequence[Note]) -> list[Note]:
    """Tied notes as one note each, in the order in which they begin."""
    out: list[Note] = []
    going: dict[int, int] = {}  # pitch -> place in `out` of the note that is held
    for note in notes:
        at = going.pop(note.pitch, None)
        if at is not None and out[at].end == note.onset:
            out[at] = replace(out[at], length=out[at].length + note.length)
        else:
            at = len(out)
            out.append(Note(note.onset, note.length, note.pitch, note.velocity))
        if note.tied:
            going[note.pitch] = at
    return out


def _moved(part: Part, semitones: int) -> Part:
    notes = tuple(
        replace(
            note,
            pitch=note.pitch + semitones,
            grace=tuple(one + semitones for one in note.grace),
        )
        for note in part.notes
    )
    return replace(part, notes=notes)


def _renamed(name: str, semitones: int, key: Key) -> str:
    """A chord symbol, its bass too, in the new key; other words as they are."""
    halves = name.split("/")
    if not all(half[:1] in "ABCDEFG" and half for half in halves):
        return name
    return "/".join(_root(half, semitones, key) for half in halves)


def _root(name: str, semitones: int, key: Key) -> str:
    size = 2 if name[1:2] in ("#", "b") else 1
    letter, sign, _ = key.spell(60 + pitch_class(name[:size]) + semitones)
    return letter + {-1: "b", 0: "", 1: "#"}[sign] + name[size:]
