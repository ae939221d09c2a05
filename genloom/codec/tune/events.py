"""A score as the words of `tune_words`: the melody of its first part, bar by bar.

Knows scores and words; `tune_score` is the way back. What has no word is a DataError in one line.
"""

from __future__ import annotations

from collections.abc import Iterator

from genloom.codec.tune.words import (
    BAR,
    BEGIN,
    CHORDS_AT,
    DEGREES,
    DEGREES_AT,
    DOUBLE,
    FIRST,
    GRACE,
    LENGTH_OF,
    LENGTHS_AT,
    LOWERED,
    METRES,
    METRES_AT,
    MODE_NAMES,
    MODES_AT,
    NUMBER,
    QUALITIES,
    QUALITIES_AT,
    RAISED,
    REPEAT,
    REST,
    SECOND,
    TIE,
    TONICS_AT,
    USUAL,
    WITH,
    kind_named,
    pieces,
)
from genloom.errors import DataError
from genloom.music.bars import Slice, barred, sliced
from genloom.music.keys import STEPS, Key, pitch_class
from genloom.music.metre import Metre
from genloom.music.score import Bar, Change, Chord, Score

_ENDINGS = {(): None, (1,): FIRST, (2,): SECOND}


def header(score: Score) -> list[int]:
    """Four ids: type, metre, tonic, mode."""
    kind = kind_named(score.kind) if score.kind else ""
    return [NUMBER[f"type {kind}"], metre_id(score.metre), *key_ids(score.key)]


def metre_id(metre: Metre | None) -> int:
    name = "none" if metre is None else str(metre)
    if name not in METRES:
        raise DataError(f"the metre {name} is not known: tunes have one of {', '.join(METRES)}")
    return METRES_AT + METRES.index(name)


def key_ids(key: Key) -> list[int]:
    return [TONICS_AT + key.pitch_class, MODES_AT + MODE_NAMES.index(key.mode)]


def events(score: Score, *, open_end: bool = False) -> list[int]:
    """The ids of a whole tune, neither bos nor eos. open_end: the last bar is only begun."""
    score = barred(score)
    if not score.parts or not score.parts[0].notes:
        raise DataError("a tune without notes")
    out, key = header(score), score.key
    changes, chords = list(score.changes), list(score.chords)
    bars = sliced(score.parts[0].notes, score.bars)
    for place, (bar, slices) in enumerate(zip(score.bars, bars, strict=True)):
        while changes and changes[0].onset <= bar.onset:
            change = changes.pop(0)
            key = change.key or key
            out += _change(change)
        if changes and changes[0].onset < bar.end and (changes[0].key or changes[0].metre):
            raise DataError("the key or the metre changes within a bar")
        out += _opened(bar)
        for one in slices:
            while chords and chords[0].onset <= one.onset:
                out += _chord(chords.pop(0), key)
            out += _slice(one, key)
        last = place + 1 == len(score.bars)
        if not (last and open_end):
            out.append(_line(bar, last))
    return out


def _change(change: Change) -> Iterator[int]:
    if change.metre is not None:
        yield metre_id(change.metre)
    if change.key is not None:
        yield from key_ids(change.key)


def _opened(bar: Bar) -> list[int]:
    if bar.endings not in _ENDINGS:
        raise DataError(f"an ending for the times {bar.endings}: first and second are known")
    ending = _ENDINGS[bar.endings]
    return [*([BEGIN] if bar.begins else []), *([] if ending is None else [ending])]


def _line(bar: Bar, last: bool) -> int:
    if bar.ends > 1:
        raise DataError(f"a repeat of {bar.ends + 1} times: twice is known")
    return REPEAT if bar.ends else DOUBLE if bar.double or last else BAR


def _chord(chord: Chord, key: Key) -> list[int]:
    """Root above the tonic and quality; words over the staff are left out."""
    name = chord.name.split("/")[0]
    size = 2 if name[1:2] in ("#", "b") else 1
    if name[:1] not in STEPS or not name or name[size:] not in QUALITIES:
        return []
    root = (pitch_class(name[:size]) - key.pitch_class) % 12
    return [CHORDS_AT + root, QUALITIES_AT + QUALITIES.index(name[size:])]


def _slice(one: Slice, key: Key) -> list[int]:
    known = pieces(one.length)
    if known is None:
        raise DataError(f"a note of {one.length} quarter notes: there is no word for its length")
    out: list[int] = []
    for place, length in enumerate(known):
        told = [] if length == USUAL else [LENGTHS_AT + LENGTH_OF.index(length)]
        if not one.notes:
            out += [*told, REST]
            continue
        if place == 0 and one.starts[0]:
            for grace in one.notes[0].grace:
                out += [GRACE, *pitch_ids(grace, key)]
        out += told
        for voice, note in enumerate(one.notes):
            out += [WITH] if voice else []
            out += pitch_ids(note.pitch, key)
            out += [TIE] if one.goes_on(voice) or place + 1 < len(known) else []
    return out


def pitch_ids(pitch: int, key: Key) -> list[int]:
    """A sign where it is not in the scale, and its degree."""
    above = pitch - (60 + key.pitch_class)
    octave, rest = divmod(above, 12)
    scale = [(one - key.pitch_class) % 12 for one in key.scale]
    if rest in scale:
        return [_degree(7 * octave + scale.index(rest), pitch)]
    letter, _, _ = key.spell(pitch)
    step = (STEPS.index(letter) - STEPS.index(key.tonic[0])) % 7
    moved = (rest - scale[step] + 6) % 12 - 6
    if moved not in (-1, 1):
        step, moved = scale.index(rest - 1), 1
    octave = (above - scale[step] - moved) // 12
    return [RAISED if moved > 0 else LOWERED, _degree(7 * octave + step, pitch)]


def _degree(degree: int, pitch: int) -> int:
    if degree not in DEGREES:
        raise DataError(f"the pitch {pitch} is too far from the tonic for a tune")
    return DEGREES_AT + degree - DEGREES[0]


def shifted(ids: list[int], semitones: int) -> list[int] | None:
    """The ids of the same tune in another key; None where a pitch leaves the words. The tonic's id
    moves; where it passes into another octave, so do the degrees."""
    out, lift = [], 0
    for one in ids:
        if TONICS_AT <= one < TONICS_AT + 12:
            octave, tonic = divmod(one - TONICS_AT + semitones, 12)
            one, lift = TONICS_AT + tonic, 7 * octave
        elif DEGREES_AT <= one < DEGREES_AT + len(DEGREES):
            one += lift
            if not DEGREES_AT <= one < DEGREES_AT + len(DEGREES):
                return None
        out.append(one)
    return out
