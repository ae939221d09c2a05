"""Keys: a tonic and a mode, their signatures, the spelling of pitches, going up and down.

Knows the seven church modes and the circle of fifths. Knows no notation and no score.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from genloom.errors import DataError

MODES = {  # how many fifths the signature lies from that of the major key of this tonic
    "major": 0,
    "mixolydian": -1,
    "dorian": -2,
    "minor": -3,
    "phrygian": -4,
    "locrian": -5,
    "lydian": 1,
}
_SHORT = {"": "major", "m": "minor", "ion": "major", "aeo": "minor"} | {m[:3]: m for m in MODES}
STEPS = "CDEFGAB"
NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_FIFTHS = "FCGDAEB"  # each a fifth above the one before
MOST_FIFTHS = 7
_SPOKEN = re.compile(r"([A-Ga-g])\s*([#b\u266f\u266d]?)\s*([A-Za-z]*)\s*$")
_SIGNS = {"\u266f": "#", "\u266d": "b"}


@dataclass(frozen=True)
class Key:
    """tonic: a letter with # or b ("F#"); mode: a name of `MODES`."""

    tonic: str = "C"
    mode: str = "major"

    def __post_init__(self) -> None:
        good = self.tonic[:1] in NATURAL and self.tonic[1:] in ("", "#", "b")
        if not good or self.mode not in MODES:
            raise DataError(
                f"a key {self.tonic!r} {self.mode!r}: give a tonic and a mode, D dorian"
            )
        if abs(self.fifths) > MOST_FIFTHS:
            raise DataError(f"the key {self} has {abs(self.fifths)} signs: {MOST_FIFTHS} at most")

    def __str__(self) -> str:
        return f"{self.tonic} {self.mode}"

    @property
    def fifths(self) -> int:
        """Sharps of the signature; flats count below 0."""
        sharps = {"": 0, "#": 7, "b": -7}[self.tonic[1:]]
        return _FIFTHS.index(self.tonic[0]) - 1 + sharps + MODES[self.mode]

    @property
    def pitch_class(self) -> int:
        """Of the tonic: semitones above C."""
        return pitch_class(self.tonic)

    @property
    def alterations(self) -> dict[str, int]:
        """The signature: a letter -> 1 for a sharp, -1 for a flat; letters without are left out."""
        return dict(_alterations(self.fifths))

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven pitch classes, the tonic first."""
        start = STEPS.index(self.tonic[0])
        signs = self.alterations
        letters = STEPS[start:] + STEPS[:start]
        return tuple((NATURAL[one] + signs.get(one, 0)) % 12 for one in letters)

    def up(self, semitones: int) -> Key:
        """The key of this mode that many semitones higher, with the fewest signs."""
        pitch = (self.pitch_class + semitones) % 12
        return _named(pitch, self.mode)

    def spell(self, pitch: int) -> tuple[str, int, int]:
        """A MIDI pitch as letter, alteration (-1 flat, 0, 1 sharp) and octave (middle C is in 4).

        What is not in the key is its neighbour on the circle of fifths: in C, three sharps (F, C,
        G) and two flats (B, E)."""
        letter, sign = _spelling(self.fifths)[pitch % 12]
        return letter, sign, (pitch - NATURAL[letter] - sign) // 12 - 1


def pitch_class(name: str) -> int:
    """Of a letter with # or b: semitones above C."""
    return (NATURAL[name[0]] + {"": 0, "#": 1, "b": -1}[name[1:]]) % 12


@cache
def _alterations(fifths: int) -> tuple[tuple[str, int], ...]:
    if fifths >= 0:
        return tuple((letter, 1) for letter in _FIFTHS[:fifths])
    return tuple((letter, -1) for letter in _FIFTHS[fifths:])


@cache
def _named(pitch: int, mode: str) -> Key:
    names = (f"{letter}{sign}" for letter in STEPS for sign in ("", "#", "b"))
    fitting = [name for name in names if pitch_class(name) == pitch and _signs(name, mode) <= 7]
    return Key(min(fitting, key=lambda name: (_signs(name, mode), len(name))), mode)


def _signs(name: str, mode: str) -> int:
    sharps = {"": 0, "#": 7, "b": -7}[name[1:]]
    return abs(_FIFTHS.index(name[0]) - 1 + sharps + MODES[mode])


@cache
def _spelling(fifths: int) -> dict[int, tuple[str, int]]:
    """Pitch class -> letter and alteration, of twelve neighbours on the circle of fifths."""
    out = {}
    for place in range(fifths - 3, fifths + 9):  # C stands at 0, the scale from one before
        letter, sign = _FIFTHS[(place + 1) % 7], (place + 1) // 7
        pitch = (NATURAL[letter] + sign) % 12
        out[pitch] = (letter, sign) if abs(sign) <= 1 else _plain(pitch)
    return out


def _plain(pitch: int) -> tuple[str, int]:
    for letter, at in NATURAL.items():
        if at == pitch:
            return letter, 0
    return next(letter for letter, at in NATURAL.items() if at == pitch - 1), 1


def parse_key(text: str) -> Key:
    """From "D", "Dmix", "D Mixolydian", "F# minor", "Bbm". DataError for anything else."""
    found = _SPOKEN.match(text.strip())
    if found is None:
        raise DataError(
            f"{text.strip()[:40]!r} is no key: give a tonic and a mode, such as D dorian"
        )
    letter, sign, mode = found.groups()
    known = _SHORT.get(mode if mode == "M" else mode.lower()[:3])
    if mode == "M":
        known = "major"
    if known is None:
        raise DataError(f"{mode[:20]!r} is no mode: give one of {', '.join(MODES)}")
    return Key(letter.upper() + _SIGNS.get(sign, sign), known)
