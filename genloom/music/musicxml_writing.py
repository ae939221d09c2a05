"""Scores as MusicXML 4.0, partwise, with repeats, endings, chord symbols, instruments and drums.

Notes are cut where anything of their part begins or ends and tied, so that each measure is one row
of what sounds. Knows scores; no file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from xml.etree import ElementTree as XML

from genloom.errors import DataError
from genloom.music.bars import Slice, barred, faults, sliced
from genloom.music.keys import STEPS, Key, pitch_class
from genloom.music.metre import Metre
from genloom.music.musicxml_beams import Stem, beamed
from genloom.music.musicxml_words import KINDS, spelt
from genloom.music.score import Bar, Change, Chord, Part, Score

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    b'"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
FINEST = 16_384  # divisions of a quarter note
MIDDLE = 57  # below this, on average, a part stands in the bass clef
_SIGNS = {"C": "common", "C|": "cut"}
Node = XML.Element


def write_musicxml(score: Score, *, tempo: bool = True) -> bytes:
    """The text of a .musicxml file. DataError where there is no note, or times are too fine. tempo:
    the tempo is shown, too, as a picture of a note that needs a font of its own."""
    score = barred(score)
    if not score.notes:
        raise DataError("the score has no notes: there is nothing to write")
    root = XML.Element("score-partwise", version="4.0")
    add(add(root, "work"), "work-title", score.title or "Untitled")
    about = add(root, "identification")
    add(add(about, "encoding"), "software", "genloom")
    if score.kind:
        add(add(about, "miscellaneous"), "miscellaneous-field", score.kind, name="type")
    listed = add(root, "part-list")
    for number, part in enumerate(score.parts, 1):
        _listed(listed, part, number)
    divisions = divisions_of(score)
    for number, part in enumerate(score.parts, 1):
        root.append(_Part(score, part, number, divisions, tempo).node())
    return HEAD + XML.tostring(root, "utf-8") + b"\n"


def add(parent: Node, name: str, text: object = None, /, **attributes: str) -> Node:
    made = XML.SubElement(parent, name, attributes)
    if text is not None:
        told = "".join(c for c in str(text) if c.isprintable())
        made.text = told
    return made


def divisions_of(score: Score) -> int:
    """Parts of a quarter in which every time is whole."""
    times = {bar.length for bar in score.bars}
    for part in score.parts:
        times |= {x for note in part.notes for x in (note.onset, note.length)}
    found = math.lcm(*(time.denominator for time in times), 1)
    if found > FINEST:
        raise DataError(
            f"times of {found:,} parts of a quarter note: MusicXML knows {FINEST:,} at most; lay "
            "the score on a grid first"
        )
    return found


def _listed(parent: Node, part: Part, number: int) -> None:
    made = add(parent, "score-part", id=f"P{number}")
    add(made, "part-name", part.name)
    pitches = sorted({note.pitch for note in part.notes}) if part.drums else [0]
    for pitch in pitches:
        instrument = add(made, "score-instrument", id=f"P{number}-I{pitch}")
        add(instrument, "instrument-name", f"Drum {pitch}" if part.drums else part.name or "Part")
    for pitch in pitches:
        midi = add(made, "midi-instrument", id=f"P{number}-I{pitch}")
        add(midi, "midi-channel", 10 if part.drums else (number - 1) % 9 + 1)
        add(midi, "midi-program", part.instrument + 1)
        if part.drums:
            add(midi, "midi-unpitched", pitch + 1)


class _Part:
    """One part while it is written."""

    def __init__(self, score: Score, part: Part, number: int, divisions: int, shown: bool):
        self.shown = shown
        self.score, self.part, self.number, self.divisions = score, part, number, divisions
        self.key, self.metre = score.key, score.metre
        self.changes = list(score.changes)
        self.chords = list(score.chords) if number == 1 else []
        self.within = False  # a group of three is open
        self.filled = Fraction(0)  # of it
        self.ending = ""  # the times of the ending that is open
        self.stems: list[Stem] = []  # of this measure
        self.start = Fraction(0)  # of it
        self.held: dict[int, Fraction] = {}  # pitch -> until when a tied note sounds

    def node(self) -> Node:
        made = XML.Element("part", id=f"P{self.number}")
        bars = self.score.bars
        short = set(faults(self.score))
        rows = sliced(self.part.notes, bars)
        counted = 0 if self._lifted() else 1
        for place, (bar, slices) in enumerate(zip(bars, rows, strict=True)):
            measure = add(made, "measure", number=str(place + counted))
            if place in short or (place == 0 and self._lifted()):
                measure.set("implicit", "yes")
            self._measure(measure, place, bar, slices)
        return made

    def _lifted(self) -> bool:
        bars, metre = self.score.bars, self.score.metre
        return bool(bars) and metre is not None and bars[0].length < metre.bar

    def _measure(self, measure: Node, place: int, bar: Bar, slices: Sequence[Slice]) -> None:
        self.within, self.filled, self.stems, self.start = False, Fraction(0), [], bar.onset
        lifted = place == 0 and self._lifted() and self.metre is not None
        if lifted and self.metre is not None:  # an upbeat stands where its bar ends
            self.start = bar.end - self.metre.bar
        if self.number == 1:
            self._left(measure, bar)
        self._signs(measure, bar.onset, first=place == 0)
        for one in slices:
            self._signs(measure, one.onset)
            while self.chords and self.chords[0].onset <= one.onset:
                _harmony(measure, self.chords.pop(0))
            self._slice(measure, one)
        beamed(self.stems, self.metre)
        if self.number == 1:
            self._right(measure, bar, self.score.bars[place + 1 : place + 2])

    # --- signs

    def _signs(self, measure: Node, onset: Fraction, first: bool = False) -> None:
        turned = Change(onset)
        while self.changes and self.changes[0].onset <= onset:
            one = self.changes.pop(0)
            self.key, self.metre = one.key or self.key, one.metre or self.metre
            turned = Change(
                onset,
                one.key or turned.key,
                one.metre or turned.metre,
                one.tempo or turned.tempo,
            )
        key = self.key if first else turned.key
        metre = self.metre if first else turned.metre
        if first or key is not None or metre is not None:
            self._attributes(measure, key, metre, first)
        tempo = turned.tempo or (self.score.tempo if first else None)
        if tempo is not None and self.number == 1:
            _tempo(measure, tempo, self.shown)

    def _attributes(self, measure: Node, key: Key | None, metre: Metre | None, first: bool) -> None:
        made = add(measure, "attributes")
        if first:
            add(made, "divisions", self.divisions)
        if key is not None and not self.part.drums:
            told = add(made, "key")
            add(told, "fifths", key.fifths)
            add(told, "mode", key.mode)
        if metre is not None:
            told = add(made, "time")
            if metre.sign:
                told.set("symbol", _SIGNS[metre.sign])
            add(told, "beats", metre.beats)
            add(told, "beat-type", metre.unit)
        elif first:
            add(add(made, "time"), "senza-misura")
        if first:
            _clef(made, self.part)

    def _left(self, measure: Node, bar: Bar) -> None:
        if not (bar.begins or bar.endings):
            return
        line = add(measure, "barline", location="left")
        if bar.begins:
            add(line, "bar-style", "heavy-light")
        if bar.endings:
            self.ending = ",".join(map(str, bar.endings))
            add(line, "ending", f"{self.ending}.", number=self.ending, type="start")
        if bar.begins:
            add(line, "repeat", direction="forward")

    def _right(self, measure: Node, bar: Bar, behind: Sequence[Bar]) -> None:
        over = not behind or behind[0].begins or behind[0].endings or bar.ends or bar.double
        ending = self.ending if over else ""
        if not (bar.ends or bar.double or ending or not behind):
            return
        line = add(measure, "barline", location="right")
        heavy = bar.ends or not behind
        if heavy or bar.double:
            add(line, "bar-style", "light-heavy" if heavy else "light-light")
        if ending:
            add(line, "ending", None, number=ending, type="stop")
            self.ending = ""
        if bar.ends:
            repeat = add(line, "repeat", direction="backward")
            if bar.ends > 1:
                repeat.set("times", str(bar.ends + 1))

    # --- notes

    def _slice(self, measure: Node, one: Slice) -> None:
        pieces = spelt(one.length)
        if one.notes and one.starts[0]:
            for pitch in one.notes[0].grace:
                made = add(measure, "note")
                add(made, "grace", slash="yes")
                self._pitch(made, pitch)
                add(made, "voice", 1)
                add(made, "type", "eighth")
        at = one.onset
        for place, piece in enumerate(pieces):
            group = self._group(piece[0], piece[3])
            first, last = place == 0, place + 1 == len(pieces)
            if not one.notes:
                made = add(measure, "note")
                add(made, "rest")
                self._length(made, piece, (False, False), group, 0)
                self.stems.append(Stem(made, at - self.start, piece[1], rest=True))
            for n, note in enumerate(one.notes):
                made = add(measure, "note")
                if n:
                    add(made, "chord")
                self._pitch(made, note.pitch)
                comes = not first or not one.starts[n] or self.held.get(note.pitch) == one.onset
                tied = (comes, one.goes_on(n) or not last)
                slur = note.slur if n == 0 and (one.starts[0] if note.slur > 0 else last) else 0
                self._length(made, piece, tied, group, slur, of=note.pitch)
                if n == 0:
                    self.stems.append(Stem(made, at - self.start, piece[1], rest=False))
            at += piece[0]
        self.held |= {note.pitch: note.end for note in one.notes if note.tied}

    def _group(self, length: Fraction, third: bool) -> tuple[bool, bool]:
        """Whether a group of three starts with this, and stops."""
        if not third:
            self.within, self.filled = False, Fraction(0)
            return False, False
        starts = not self.within
        self.within, self.filled = True, self.filled + length
        stops = self.filled.denominator % 3 != 0
        if stops:
            self.within, self.filled = False, Fraction(0)
        return starts, stops

    def _pitch(self, node: Node, pitch: int) -> None:
        letter, sign, octave = self.key.spell(pitch)
        if self.part.drums:
            made = add(node, "unpitched")
            add(made, "display-step", letter)
            add(made, "display-octave", octave)
            return
        made = add(node, "pitch")
        add(made, "step", letter)
        if sign:
            add(made, "alter", sign)
        add(made, "octave", octave)

    def _length(
        self,
        node: Node,
        piece: tuple[Fraction, str, int, bool],
        tied: tuple[bool, bool],
        group: tuple[bool, bool],
        slur: int,
        of: int = 0,
    ) -> None:
        size, word, dots, third = piece
        chord = node.find("chord") is not None
        add(node, "duration", int(size * self.divisions))
        kinds = [kind for kind, on in zip(("stop", "start"), tied, strict=True) if on]
        for kind in kinds:
            add(node, "tie", type=kind)
        if self.part.drums and of:
            add(node, "instrument", id=f"P{self.number}-I{of}")
        add(node, "voice", 1)
        add(node, "type", word)
        for _ in range(dots):
            add(node, "dot")
        if third:
            share = add(node, "time-modification")
            add(share, "actual-notes", 3)
            add(share, "normal-notes", 2)
        edges = [k for k, on in zip(("start", "stop"), group, strict=True) if on and not chord]
        if kinds or edges or slur:
            told = add(node, "notations")
            for kind in kinds:
                add(told, "tied", type=kind)
            if slur:
                add(told, "slur", type="start" if slur > 0 else "stop", number="1")
            for kind in edges:
                add(told, "tuplet", type=kind)


def _clef(parent: Node, part: Part) -> None:
    made = add(parent, "clef")
    pitches = [note.pitch for note in part.notes] or [MIDDLE]
    if part.drums:
        add(made, "sign", "percussion")
        return
    low = sum(pitches) / len(pitches) < MIDDLE
    add(made, "sign", "F" if low else "G")
    add(made, "line", 4 if low else 2)


def _tempo(measure: Node, tempo: float, shown: bool) -> None:
    if not shown:
        add(measure, "sound", tempo=f"{tempo:g}")
        return
    made = add(measure, "direction", placement="above")
    told = add(add(made, "direction-type"), "metronome")
    add(told, "beat-unit", "quarter")
    add(told, "per-minute", f"{tempo:g}")
    add(made, "sound", tempo=f"{tempo:g}")


def _harmony(measure: Node, chord: Chord) -> None:
    """A chord symbol; other words over the staff as words."""
    name, _, bass = chord.name.partition("/")
    size = 2 if name[1:2] in ("#", "b") else 1
    if name[:1] not in STEPS or not name:
        made = add(measure, "direction", placement="above")
        add(add(made, "direction-type"), "words", chord.name)
        return
    made = add(measure, "harmony")
    _root(add(made, "root"), "root", name[:size])
    kind = add(made, "kind", KINDS.get(name[size:], "other"))
    kind.set("text", name[size:])
    if bass[:1] in STEPS and bass and bass[1:] in ("", "#", "b"):
        _root(add(made, "bass"), "bass", bass)


def _root(node: Node, what: str, name: str) -> None:
    add(node, f"{what}-step", name[0])
    if alter := (pitch_class(name) - pitch_class(name[0]) + 6) % 12 - 6:
        add(node, f"{what}-alter", alter)
