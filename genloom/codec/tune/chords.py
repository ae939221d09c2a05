"""Chords that go with a tune, a bar each: found from its notes for learning, or told by a person.

They are triads of the scale, the one whose notes sound longest in the bar, as session players
choose them; so the words for chords are learnt from tunes that have none written. Knows words.
Shape legend: ids without meaning beside the notes are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

from genloom.codec.tune.words import (
    BAR,
    CHORDS_AT,
    DEGREES,
    DEGREES_AT,
    DOUBLE,
    GRACE,
    LENGTH_OF,
    LENGTHS_AT,
    METRES,
    METRES_AT,
    MODE_NAMES,
    MODES_AT,
    NUMBER,
    PLAN,
    QUALITIES,
    QUALITIES_AT,
    REPEAT,
    REST,
    SORT,
    TONICS_AT,
    USUAL,
    WITH,
)
from genloom.errors import RequestError
from genloom.music.keys import Key, pitch_class
from genloom.music.metre import parse_metre

MOST = 64  # bars that are told
_NAME = re.compile(r"([A-G][#b]?)(m7|maj7|m|7|dim|aug|sus4)?$")
_PRIMARY = (1.25, 0.9, 0.8, 1.1, 1.1, 1.0, 0.95)  # how readily the triad on each degree is chosen
_CLOSING = (BAR, REPEAT, DOUBLE)
_STEPS = {  # semitones above the root
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
}


def triads(mode: str) -> list[tuple[int, int, frozenset[int]]]:
    """(root above the tonic, place in QUALITIES, degrees 0-6) on each degree but diminished."""
    key = Key("C", mode)
    scale = [(one - key.pitch_class) % 12 for one in key.scale]
    out = []
    for step in range(7):
        third, fifth = ((scale[(step + n) % 7] - scale[step]) % 12 for n in (2, 4))
        if fifth == 7:
            quality = QUALITIES.index("m" if third == 3 else "")
            notes = frozenset((step + n) % 7 for n in (0, 2, 4))
            out.append((scale[step], quality, notes))
    return out


@cache
def chord_degrees(chord: int, quality: int, mode: str) -> frozenset[int]:
    """The ids of the degrees of this mode that sound in a chord, given by its two ids."""
    key = Key("C", mode)
    scale = [(one - key.pitch_class) % 12 for one in key.scale]
    root, steps = chord - CHORDS_AT, _STEPS[QUALITIES[quality - QUALITIES_AT]]
    sounding = {(root + step) % 12 for step in steps}
    return frozenset(
        DEGREES_AT + degree - DEGREES[0] for degree in DEGREES if scale[degree % 7] in sounding
    )


def chorded(ids: Sequence[int]) -> list[int]:
    """The ids of a tune in the order in which it is played, with a chord before the first note of
    every bar that is no upbeat. As they are where there are some, or the key changes."""
    if any(SORT[one] in ("chord", "plan") for one in ids):
        return list(ids)
    modes = [one for one in ids if SORT[one] == "mode"]
    if len(modes) != 1:
        return list(ids)
    choices = triads(MODE_NAMES[modes[0] - MODES_AT])
    metres = [METRES[one - METRES_AT] for one in ids if SORT[one] == "metre"]
    metre = parse_metre(metres[0]) if metres else None
    short = None if metre is None else metre.bar / 2
    out: list[int] = []
    for bar in _bars(ids):
        first = next((n for n, one in enumerate(bar) if _sounds(one)), None)
        weights = _weights(bar)
        if first is None or (short is not None and _time(bar) <= short):
            out += bar
        else:
            out += [*bar[:first], *_best(choices, weights), *bar[first:]]
    return out


def unchorded(ids: Sequence[int]) -> list[int]:
    """Without the words of chords."""
    return [one for one in ids if SORT[one] not in ("chord", "quality")]


def _bars(ids: Sequence[int]) -> list[list[int]]:
    """The ids cut behind every line that closes a bar."""
    out: list[list[int]] = [[]]
    for one in ids:
        out[-1].append(one)
        if one in _CLOSING:
            out.append([])
    return out


def _sounds(one: int) -> bool:
    """Whether a note begins with it."""
    return SORT[one] in ("length", "degree") or (SORT[one] == "sign")


def _time(bar: Sequence[int]) -> Fraction:
    """How long it is, in quarters."""
    out, length, apart = Fraction(0), USUAL, False
    for one in bar:
        if SORT[one] == "length":
            length = LENGTH_OF[one - LENGTHS_AT]
        elif one in (GRACE, WITH):
            apart = True
        elif SORT[one] == "degree" or one == REST:
            out += Fraction(0) if apart else length
            apart, length = False, length if apart else USUAL
    return out


def _weights(bar: Sequence[int]) -> list[Fraction]:
    """[7]: how long each degree sounds; the first note counts twice."""
    out, length, graced, begun = [Fraction(0)] * 7, USUAL, False, False
    for one in bar:
        if SORT[one] == "length":
            length = LENGTH_OF[one - LENGTHS_AT]
        elif one == GRACE:
            graced = True
        elif SORT[one] == "degree":
            if not graced:
                step = (one - DEGREES_AT + DEGREES[0]) % 7
                out[step] += length * (1 if begun else 2)
                begun, length = True, USUAL
            graced = False
        elif one == REST:
            begun, length = True, USUAL
    return out


def _best(choices: Sequence[tuple[int, int, frozenset[int]]], weights: list[Fraction]) -> list[int]:
    """The ids of the chord that fits best, sooner a usual one."""

    def worth(choice: tuple[int, int, frozenset[int]]) -> float:
        notes = choice[2]
        step = next(n for n in sorted(notes) if _is_root(n, notes))
        return float(sum(weights[n] for n in notes) + weights[step] / 4) * _PRIMARY[step]

    root, quality, _ = max(choices, key=worth)
    return [CHORDS_AT + root, QUALITIES_AT + quality]


def _is_root(step: int, notes: frozenset[int]) -> bool:
    return {step, (step + 2) % 7, (step + 4) % 7} == set(notes)


def plan_of(ids: Sequence[int], bars: int) -> list[int]:
    """The first chords of a tune, between two PLANs; nothing where there are none."""
    told: list[int] = []
    for n, one in enumerate(ids):
        if SORT[one] == "chord" and len(told) < 2 * bars:
            told += ids[n : n + 2]
    return [PLAN, *told, PLAN] if told else []


def plan_asked(text: str, tonic: int | None) -> list[int]:
    """From "D | G | A7 D" or "D G A": a chord a bar, played round and round."""
    names = [one for one in re.split(r"[\s|,]+", text.strip()) if one]
    if tonic is None:
        raise RequestError("chords are told above a tonic: give the key, too", param="where")
    if not 1 <= len(names) <= MOST:
        raise RequestError(f"chords of {len(names)} bars: give 1 to {MOST}", param="where")
    out = [PLAN]
    for name in names:
        found = _NAME.match(name)
        if found is None:
            known = ", ".join(f"D{one}" for one in QUALITIES)
            raise RequestError(f"{name[:20]!r} is no chord: give such as {known}", param="where")
        root = (pitch_class(found[1]) - (tonic - TONICS_AT)) % 12
        out += [CHORDS_AT + root, NUMBER[f"quality {found[2] or ''}"]]
    return [*out, PLAN]
