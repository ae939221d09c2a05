"""MIDI files into scores: notes laid on a grid, with tempo, metres, keys, programmes and drums.

Files are read by mido; anything in them that is broken is a DataError in one line. A note that is
never ended ends with its track, one that begins again while it sounds ends there. A key without a
mode is the likeliest of its signature. Knows bytes and scores.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from genloom.errors import DataError
from genloom.music.key_finder import of_signature, ranked
from genloom.music.keys import Key, parse_key
from genloom.music.metre import Metre
from genloom.music.midi_writing import DRUMS, mido
from genloom.music.quantising import ended, quantised
from genloom.music.score import Bar, Change, Chord, Note, Part, Score

LARGEST = 8 << 20  # bytes of a file
MOST_NOTES = 200_000
LONGEST = 100_000  # quarter notes
MOST_TRACKS = 256
_FIELD = re.compile(r"([RK]):\s*(.{1,60})$")
Raw = tuple[Fraction, Fraction, int, int]  # onset, end, pitch, velocity


@dataclass
class Signs:
    """What is told of the whole, by when."""

    title: str = ""
    kind: str = ""
    tempos: dict[Fraction, float] = field(default_factory=dict)
    metres: dict[Fraction, Metre] = field(default_factory=dict)
    fifths: dict[Fraction, Key] = field(default_factory=dict)  # major keys by their signature
    keys: dict[Fraction, Key] = field(default_factory=dict)
    chords: list[Chord] = field(default_factory=list)


@dataclass
class Line:
    """One channel of one track."""

    name: str = ""
    program: int = 0
    drums: bool = False
    raw: list[Raw] = field(default_factory=list)
    open: dict[int, tuple[Fraction, int]] = field(default_factory=dict)

    def end(self, pitch: int, when: Fraction) -> None:
        begun = self.open.pop(pitch, None)
        if begun is not None and when > begun[0]:
            self.raw.append((begun[0], when, pitch, begun[1]))


def read_midi(data: bytes) -> Score:
    """DataError where the file is damaged, too large or without notes."""
    file = _opened(data)
    signs, lines = Signs(), []
    for number, track in enumerate(file.tracks):
        lines += _track(track, number, file.ticks_per_beat, signs)
    lines = [line for line in lines if line.raw]
    if not lines:
        raise DataError("a MIDI file without notes")
    return _score(signs, lines)


def _opened(data: bytes) -> Any:
    library = mido()
    if not data.startswith(b"MThd") and not data.startswith(b"RIFF"):
        raise DataError("no MIDI file: it does not begin with MThd")
    if len(data) > LARGEST:
        raise DataError(f"a MIDI file of {len(data):,} bytes: {LARGEST:,} at most")
    start = data.find(b"MThd")
    if start < 0:
        raise DataError("a RIFF file without MIDI in it")
    try:
        file = library.MidiFile(file=io.BytesIO(data[start:]), clip=True)
    except Exception as error:  # hostile bytes raise anything
        told = " ".join(str(error).split())[:80] or type(error).__name__
        why = "cut short" if isinstance(error, EOFError) else told
        raise DataError(f"a damaged MIDI file ({why}): export it again") from None
    if file.type == 2:
        raise DataError("a MIDI file of format 2, whose tracks are pieces of their own: split it")
    if not 1 <= file.ticks_per_beat < 1 << 15:
        raise DataError("a MIDI file timed by film frames: export it by beats")
    if len(file.tracks) > MOST_TRACKS:
        raise DataError(f"a MIDI file of {len(file.tracks)} tracks: {MOST_TRACKS} at most")
    return file


def _track(track: Any, number: int, ticks: int, signs: Signs) -> list[Line]:
    lines: dict[int, Line] = {}
    name, at, count = "", 0, 0
    for message in track:
        at += message.time
        when = Fraction(at, ticks)
        if when > LONGEST:
            raise DataError(f"a MIDI file of over {LONGEST:,} quarter notes")
        if message.is_meta:
            if message.type == "track_name":
                name = _text(message.name)
            else:
                _sign(message, when, signs)
            continue
        if message.type not in ("note_on", "note_off", "program_change"):
            continue
        line = lines.setdefault(message.channel, Line(drums=message.channel == DRUMS))
        count += message.type == "note_on"
        if count > MOST_NOTES:
            raise DataError(f"a MIDI file of over {MOST_NOTES:,} notes")
        _note(line, message, when)
    last = Fraction(at, ticks)
    for line in lines.values():
        line.name = name
        for pitch in list(line.open):
            line.end(pitch, last)
    if number == 0 and name:
        signs.title = name
    return [lines[channel] for channel in sorted(lines)]


def _note(line: Line, message: Any, when: Fraction) -> None:
    if message.type == "program_change":
        line.program = message.program if not line.raw else line.program
        return
    line.end(message.note, when)
    if message.type == "note_on" and message.velocity:
        line.open[message.note] = (when, message.velocity)


def _text(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _sign(message: Any, when: Fraction, signs: Signs) -> None:
    """Of a meta message that says something of the whole; others are passed over."""
    take = _SIGNS.get(message.type)
    if take is not None:
        take(message, when, signs)


def _tempo(message: Any, when: Fraction, signs: Signs) -> None:
    if message.tempo:
        signs.tempos[when] = min(max(60_000_000 / message.tempo, 1.0), 2_000.0)


def _metre(message: Any, when: Fraction, signs: Signs) -> None:
    if message.denominator <= 64 and 1 <= message.numerator <= 99:
        signs.metres[when] = Metre(message.numerator, message.denominator)


def _signature(message: Any, when: Fraction, signs: Signs) -> None:
    name = message.key
    signs.fifths[when] = Key(name.rstrip("m"), "minor" if name.endswith("m") else "major")


def _told(message: Any, when: Fraction, signs: Signs) -> None:
    """What `midi_writing` says in words."""
    text = _text(message.text)
    found = _FIELD.match(text)
    if text.startswith('"') and text.endswith('"') and 2 < len(text) <= 62:
        signs.chords.append(Chord(when, text[1:-1]))
    elif found is not None and found[1] == "R" and not when:
        signs.kind = found[2].lower()[:40]
    elif found is not None and found[1] == "K":
        try:
            signs.keys[when] = parse_key(found[2])
        except DataError:
            return  # somebody's own words


_SIGNS: dict[str, Callable[[Any, Fraction, Signs], None]] = {
    "set_tempo": _tempo,
    "time_signature": _metre,
    "key_signature": _signature,
    "text": _told,
}


# --- the score ------------------------------------------------------------------------------------


def _score(signs: Signs, lines: list[Line]) -> Score:
    parts = tuple(_part(line) for line in lines)
    start = Fraction(0)
    metres = dict(sorted(signs.metres.items()))
    upbeat = _upbeat(metres)
    if upbeat is not None:
        metres = {start: metres[upbeat], **{w: m for w, m in metres.items() if w > upbeat}}
    metre = metres.pop(start, Metre())
    score = Score(
        title=signs.title,
        kind=signs.kind,
        metre=metre,
        tempo=signs.tempos.get(start, next(iter(signs.tempos.values()), 120.0)),
        parts=parts,
        chords=tuple(signs.chords),
    )
    keys = dict(_keys(signs, score))
    key = keys.pop(start, None) or ranked(score)[0][0]
    changes = tuple(_changes(keys, metres, signs.tempos))
    score = replace(score, key=key, changes=changes)
    return replace(score, bars=_bars(score, upbeat))


def _part(line: Line) -> Part:
    """Its notes on the grid; where two of a pitch fall together, the longer one."""
    raw = sorted(line.raw)
    places = quantised([one[0] for one in raw])
    onsets = sorted(set(places.values()))
    found: dict[tuple[Fraction, int], Note] = {}
    for begin, stop, pitch, velocity in raw:
        onset = places[begin]
        length = ended(onset, stop, onsets) - onset
        before = found.get((onset, pitch))
        if before is None or before.length < length:
            found[onset, pitch] = Note(onset, length, pitch, velocity)
    notes = tuple(found[place] for place in sorted(found))
    return Part(notes, line.name, 0 if line.drums else line.program, line.drums)


def _upbeat(metres: dict[Fraction, Metre]) -> Fraction | None:
    """Where the second metre begins, if the first is a bar of less that stands alone."""
    whens = list(metres)
    if len(whens) < 2 or whens[0]:
        return None
    first, second = metres[whens[0]], metres[whens[1]]
    return whens[1] if first.bar == whens[1] and first.bar < second.bar else None


def _keys(signs: Signs, score: Score) -> Iterator[tuple[Fraction, Key]]:
    """What was told with a mode counts; of a signature alone the likeliest mode."""
    for when in sorted({*signs.fifths, *signs.keys}):
        told, signed = signs.keys.get(when), signs.fifths.get(when)
        if told is not None and (signed is None or signed.fifths == told.fifths):
            yield when, told
        elif signed is not None:
            yield when, of_signature(score, signed) if not when else signed


def _changes(
    keys: dict[Fraction, Key], metres: dict[Fraction, Metre], tempos: dict[Fraction, float]
) -> Iterator[Change]:
    for when in sorted({*keys, *metres, *tempos}):
        if when:
            yield Change(when, keys.get(when), metres.get(when), tempos.get(when))


def _bars(score: Score, upbeat: Fraction | None) -> tuple[Bar, ...]:
    """An upbeat, then bars of the metre; one that a change of metre cuts is short."""
    end, changes = score.end, [c for c in score.changes if c.metre is not None]
    out = [Bar(Fraction(0), upbeat)] if upbeat else []
    metre, at = score.metre or Metre(), upbeat or Fraction(0)
    while at < end:
        while changes and changes[0].onset <= at:
            metre = changes.pop(0).metre or metre
        size = min(metre.bar, changes[0].onset - at) if changes else metre.bar
        out.append(Bar(at, size))
        at += size
    if out and out[-1].end > end:
        lacks = upbeat is not None and out[-1].end - end == upbeat
        out[-1] = Bar(out[-1].onset, out[-1].length - (upbeat or 0)) if lacks else out[-1]
    return tuple(out)
