"""The words that MusicXML 4.0 has for lengths, modes and chords, both ways. Knows no element.

(w3.org/2021/06/musicxml40; a note's length is a type, dots and perhaps a share of a tuplet.)
"""

from __future__ import annotations

from fractions import Fraction

from genloom.music.keys import MODES

TYPES = {
    "breve": Fraction(8),
    "whole": Fraction(4),
    "half": Fraction(2),
    "quarter": Fraction(1),
    "eighth": Fraction(1, 2),
    "16th": Fraction(1, 4),
    "32nd": Fraction(1, 8),
    "64th": Fraction(1, 16),
    "128th": Fraction(1, 32),
}
KINDS = {
    "": "major",
    "m": "minor",
    "7": "dominant",
    "m7": "minor-seventh",
    "maj7": "major-seventh",
    "6": "major-sixth",
    "m6": "minor-sixth",
    "9": "dominant-ninth",
    "dim": "diminished",
    "dim7": "diminished-seventh",
    "aug": "augmented",
    "sus2": "suspended-second",
    "sus4": "suspended-fourth",
}
KIND_NAMES = {word: name for name, word in KINDS.items()}
MODE_WORDS = {**{mode: mode for mode in MODES}, "ionian": "major", "aeolian": "minor"}
THIRD = Fraction(2, 3)


def spelt(length: Fraction) -> list[tuple[Fraction, str, int, bool]]:
    """A length in quarters as notes that are tied: (length, type, dots, in a group of three in the
    time of two). What no word is left for goes into the last."""
    out, left = [], length
    thirds = length.denominator % 3 == 0
    for size, word, dots, third in _LONGEST_FIRST:
        while third == thirds and size <= left and left > 0:
            out.append((size, word, dots, third))
            left -= size
    if left > 0:
        last = out.pop() if out else (Fraction(0), "128th", 0, thirds)
        out.append((last[0] + left, *last[1:]))
    return out


def _sizes() -> list[tuple[Fraction, str, int, bool]]:
    out = []
    for word, size in TYPES.items():
        for dots in range(3):
            dotted = size * (2 - Fraction(1, 2**dots))
            out += [(dotted, word, dots, False), (dotted * THIRD, word, dots, True)]
    usual = [one for one in out if one[2] < 2 or not one[3]]
    return sorted(usual, key=lambda one: (-one[0], one[2]))


_LONGEST_FIRST = _sizes()
