"""The words that tunes are learnt in: one id each for types, metres, keys, bar lines, lengths,
degrees of the scale, and the signs between them.

Pitches are degrees above the tonic, so that a tune in another key is the same but for its header.
Knows names and numbers; not how a score becomes words.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from genloom.music.keys import MODES

PAD, BOS, EOS, AFTER, BEFORE = range(5)
SPECIAL = ("<pad>", "<bos>", "<eos>", "<after>", "<before>")
KINDS = (
    *("", "reel", "jig", "slip jig", "hornpipe", "polka", "slide", "waltz", "march", "strathspey"),
    *("mazurka", "barndance", "set dance", "air", "carolan", "other"),
)
ALIKE = {  # what collections call them
    "slipjig": "slip jig",
    "setdance": "set dance",
    "ocarolan": "carolan",
    "o'carolan": "carolan",
    "double jig": "jig",
    "single jig": "slide",
    "miscellaneous": "other",
    "song": "air",
    "slow air": "air",
    "barn dance": "barndance",
}
METRES = (
    *("none", "2/4", "3/4", "4/4", "C", "C|", "6/8", "9/8", "12/8", "3/8", "3/2", "2/2", "6/4"),
    *("5/4", "5/8", "7/8"),
)
LINES = ("|", ":|", "||", "|:", "[1", "[2")
_BINARY = ("1/8", "1/4", "3/8", "3/4", "7/8", "1", "5/4", "3/2", "7/4", "2", "5/2", "3", "7/2", "4")
_LONG = ("9/2", "5", "6", "8")
LENGTHS = tuple(map(Fraction, (*_BINARY, *_LONG)))
THIRDS = tuple(map(Fraction, ("1/6", "1/3", "2/3")))
USUAL = Fraction(1, 2)  # an eighth: a note without a length
DEGREES = range(-14, 22)  # steps of the scale above the tonic of the octave of middle C
SIGNS = ("^", "_", "z", "-", "+", "~")  # raised, lowered, rest, tie, sounds with, grace note
QUALITIES = ("", "m", "7", "m7", "maj7", "dim", "aug", "sus4")
MOST_GAP = 32  # bars

WORDS: tuple[str, ...] = (
    *SPECIAL,
    *(f"type {name}" for name in KINDS),
    *(f"metre {name}" for name in METRES),
    *(f"tonic {pitch}" for pitch in range(12)),
    *(f"mode {name}" for name in MODES),
    *LINES,
    *(f"length {one}" for one in (*LENGTHS, *THIRDS)),
    *(f"degree {one}" for one in DEGREES),
    *SIGNS,
    *(f"chord {pitch}" for pitch in range(12)),
    *(f"quality {name}" for name in QUALITIES),
    "plan",  # chords of bars to come stand between two of it
    *(f"bars {count}" for count in range(1, MOST_GAP + 1)),  # so many are to fill the gap
)
NUMBER = {word: n for n, word in enumerate(WORDS)}
TYPES_AT = NUMBER["type "]
METRES_AT = NUMBER["metre none"]
TONICS_AT = NUMBER["tonic 0"]
MODES_AT = NUMBER["mode major"]
LINES_AT = NUMBER["|"]
LENGTHS_AT = NUMBER["length 1/8"]
DEGREES_AT = NUMBER[f"degree {DEGREES[0]}"]
SIGNS_AT = NUMBER["^"]
CHORDS_AT = NUMBER["chord 0"]
QUALITIES_AT = NUMBER["quality "]
PLAN = NUMBER["plan"]
BARS_AT = NUMBER["bars 1"]
BAR, REPEAT, DOUBLE, BEGIN, FIRST, SECOND = range(LINES_AT, LINES_AT + len(LINES))
RAISED, LOWERED, REST, TIE, WITH, GRACE = range(SIGNS_AT, SIGNS_AT + len(SIGNS))
FIELDS = ("type", "metre", "tonic", "mode")  # of the header, in their usual order
MODE_NAMES = tuple(MODES)

_BOUNDS = (
    ("special", 0, TYPES_AT),
    ("type", TYPES_AT, METRES_AT),
    ("metre", METRES_AT, TONICS_AT),
    ("tonic", TONICS_AT, MODES_AT),
    ("mode", MODES_AT, LINES_AT),
    ("line", LINES_AT, LENGTHS_AT),
    ("length", LENGTHS_AT, DEGREES_AT),
    ("degree", DEGREES_AT, SIGNS_AT),
    ("sign", SIGNS_AT, CHORDS_AT),
    ("chord", CHORDS_AT, QUALITIES_AT),
    ("quality", QUALITIES_AT, PLAN),
    ("plan", PLAN, BARS_AT),
    ("bars", BARS_AT, len(WORDS)),
)
SORT = tuple(name for name, low, high in _BOUNDS for _ in range(low, high))  # of every id
LENGTH_OF = (*LENGTHS, *THIRDS)
ENDLESS = Fraction(16)  # quarter notes of the longest bar where there is no metre


def ids_of(sort: str) -> range:
    """The ids of one sort of words."""
    return next(range(low, high) for name, low, high in _BOUNDS if name == sort)


def kind_named(text: str) -> str:
    """A type of tune as it is learnt; "other" for types that are not known, "" for none."""
    name = " ".join(text.lower().replace("-", " ").split())
    name = ALIKE.get(name, name)
    return name if name in KINDS else "other"


def pieces(length: Fraction) -> list[Fraction] | None:
    """A length as known lengths in a row, the longest first; None where it is none."""
    if length == USUAL or length in LENGTH_OF:
        return [length]
    steps = sorted((*LENGTHS, USUAL), reverse=True)
    if (length * 8).denominator != 1:
        steps = sorted(THIRDS, reverse=True)
    out: list[Fraction] = []
    while length > 0:
        step = next((x for x in steps if x <= length), None)
        if step is None or len(out) > 64:
            return None
        out.append(step)
        length -= step
    return out


def spelt(ids: Sequence[int]) -> str:
    """Ids as their words, for people."""
    return " ".join(WORDS[one].replace(" ", ":") if 0 <= one < len(WORDS) else "?" for one in ids)
