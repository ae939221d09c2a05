"""Scores as MIDI files: a track of signs (title, tempo, metre, key), then one a part.

Repeats are written out, ties joined; an upbeat is a first bar of its own metre. What MIDI has no
message for (a mode, the type of a tune, chord symbols) stands in text events as fields of ABC,
where `midi_reading` finds it. Knows scores and the library mido, by the extra `music`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from genloom.errors import DataError, MissingExtra
from genloom.music.keys import Key
from genloom.music.metre import Metre
from genloom.music.repeats import played
from genloom.music.score import Bar, Part, Score

TICKS = 480  # of a quarter note: binary to 1/32, thirds to 1/6 of a thirty-second
DRUMS = 9  # the channel, from 0
GRACE = Fraction(1, 8)  # quarter notes at most of a grace note, taken from the note before
MOST_PARTS = 64
_MAJORS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
Event = tuple[Fraction, int, Any]  # when, rank among those of one time, message


def mido() -> Any:
    """The module mido."""
    try:
        import mido as module
    except ImportError:
        raise MissingExtra("mido", "music") from None
    return module


def write_midi(score: Score) -> bytes:
    """A file of format 1. DataError where there is nothing to play or too much."""
    library, score = mido(), played(score)
    if not score.notes:
        raise DataError("the score has no notes: there is nothing to write")
    if len(score.parts) > MOST_PARTS:
        raise DataError(f"a score of {len(score.parts)} parts: {MOST_PARTS} at most")
    file = library.MidiFile(type=1, ticks_per_beat=TICKS)
    file.tracks.append(_track(library, _signs(library, score)))
    channels = _channels(score.parts)
    for part, channel in zip(score.parts, channels, strict=True):
        file.tracks.append(_track(library, _part(library, part, channel)))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _channels(parts: Sequence[Part]) -> Iterator[int]:
    """Drums on the tenth, others on the rest in turn."""
    free = [n for n in range(16) if n != DRUMS]
    melodic = 0
    for part in parts:
        if part.drums:
            yield DRUMS
        else:
            yield free[melodic % len(free)]
            melodic += 1


def _track(library: Any, events: Iterable[Event]) -> Any:
    made, at = library.MidiTrack(), 0
    for when, _, message in sorted(events, key=lambda one: one[:2]):
        tick = ticks(when)
        made.append(message.copy(time=max(0, tick - at)))
        at = max(at, tick)
    made.append(library.MetaMessage("end_of_track"))
    return made


def ticks(quarters: Fraction) -> int:
    return round(quarters * TICKS)


# --- signs ----------------------------------------------------------------------------------------


def _signs(library: Any, score: Score) -> Iterator[Event]:
    def meta(when: Fraction, kind: str, **values: Any) -> Event:
        return when, 0, library.MetaMessage(kind, **values)

    start = Fraction(0)
    if score.title:
        yield meta(start, "track_name", name=_latin(score.title))
    for field, value in (("R", score.kind), ("K", str(score.key))):
        if value:
            yield meta(start, "text", text=f"{field}:{_latin(value)}")
    yield meta(start, "set_tempo", tempo=_tempo(score.tempo))
    yield meta(start, "key_signature", key=signature(score.key))
    for when, metre in metres(score):
        yield meta(when, "time_signature", numerator=metre.beats, denominator=metre.unit)
    for change in score.changes:
        if change.tempo is not None:
            yield meta(change.onset, "set_tempo", tempo=_tempo(change.tempo))
        if change.key is not None:
            yield meta(change.onset, "text", text=f"K:{change.key}")
            yield meta(change.onset, "key_signature", key=signature(change.key))
    for chord in score.chords:
        yield meta(chord.onset, "text", text=f'"{_latin(chord.name)}"')


def _latin(text: str) -> str:
    """As mido writes texts."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _tempo(quarters: float) -> int:
    """Microseconds of a quarter note, in 24 bits."""
    return min(round(60_000_000 / quarters), (1 << 24) - 1)


def signature(key: Key) -> str:
    """The major key of this signature."""
    return _MAJORS[key.fifths + 7]


def metres(score: Score) -> Iterator[tuple[Fraction, Metre]]:
    """Where which metre begins, so that its bars are those of the score: bars that are cut by a
    repeat count as one; what is short otherwise has a metre of its own."""
    changes = [one for one in score.changes if one.metre is not None]
    metre, told = score.metre, None
    for onset, length in _whole(score.bars, score):
        while changes and changes[0].onset <= onset:
            metre = changes.pop(0).metre
        wanted = metre if metre is None or metre.bar == length else _of_length(length)
        if wanted is not None and wanted != told:
            yield onset, wanted
            told = wanted
    if told is None and metre is not None:
        yield Fraction(0), metre


def _of_length(length: Fraction) -> Metre | None:
    for unit in (4, 8, 16, 32):
        beats = length * unit / 4
        if beats.denominator == 1 and beats <= 99:
            return Metre(int(beats), unit)
    return None


def _whole(bars: Sequence[Bar], score: Score) -> Iterator[tuple[Fraction, Fraction]]:
    """(onset, length) of bars, halves that fill the metre together joined; not the first, which
    may be an upbeat."""
    changes = [one for one in score.changes if one.metre is not None]
    metre, place = score.metre, 0
    while place < len(bars):
        bar = bars[place]
        while changes and changes[0].onset <= bar.onset:
            metre = changes.pop(0).metre
        size = bar.length
        after = bars[place + 1].length if place + 1 < len(bars) else None
        joins = place > 0 and metre is not None and after is not None
        if joins and metre is not None and after is not None and size + after == metre.bar:
            size, place = size + after, place + 1
        yield bar.onset, size
        place += 1


# --- notes ----------------------------------------------------------------------------------------


def _part(library: Any, part: Part, channel: int) -> Iterator[Event]:
    if part.name:
        yield Fraction(0), 0, library.MetaMessage("track_name", name=_latin(part.name))
    if not part.drums:
        program = library.Message("program_change", channel=channel, program=part.instrument)
        yield Fraction(0), 1, program
    for note in part.sounding():
        told = {"channel": channel, "note": note.pitch}
        yield note.onset, 3, library.Message("note_on", velocity=max(1, note.velocity), **told)
        yield note.end, 2, library.Message("note_off", velocity=0, **told)
    for note in part.notes:
        size = GRACE / max(1, len(note.grace))
        for n, pitch in enumerate(note.grace):
            begin = max(Fraction(0), note.onset - GRACE + n * size)
            told = {"channel": channel, "note": pitch}
            yield begin, 3, library.Message("note_on", velocity=max(1, note.velocity), **told)
            yield begin + size, 2, library.Message("note_off", velocity=0, **told)
