"""Which key a melody is in, of twelve tonics and four modes; by Krumhansl and Schmuckler, too.

`ranked` asks how likely the pitch classes are in each key (how long each sounds, downbeats twice),
by profiles measured on one half of 680 Irish session tunes, and on which notes sections end. On the
other half it finds the key that is written in 86 of 100 and the tonic in 92; the correlation with
Krumhansl and Kessler's ratings (Krumhansl 1990, ch. 4), `correlated`, in 74 and 81: they were not
measured on the modes of folk music. `find_key` is the same correlation over major and minor alone,
for notes without a score. Knows scores; no notation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from genloom.music.keys import Key
from genloom.music.score import Note, Score

PROFILES = {  # share of the time that each pitch class above the tonic sounds
    "major": (252, 0, 138, 0, 189, 65, 2, 181, 0, 102, 4, 67),
    "mixolydian": (245, 0, 126, 6, 112, 120, 1, 196, 0, 54, 108, 32),
    "dorian": (278, 0, 127, 83, 5, 113, 0, 176, 1, 34, 180, 3),
    "minor": (228, 0, 141, 180, 0, 119, 1, 176, 29, 4, 117, 3),
}
FLOOR = 4  # of a thousand
# of a logistic regression on the same half: likelihood, sections that end on the tonic, the last
# note being it, and the modes
LIKELIHOOD, ENDS, LAST = 20.65, 4.07, -2.07
MODE = {"major": 1.14, "mixolydian": -0.37, "dorian": 0.21, "minor": -0.98}

# Krumhansl and Kessler's probe-tone ratings; mixolydian and dorian are these with the seventh
# lowered and the sixth raised
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
RATINGS = {
    "major": _MAJOR,
    "mixolydian": (*_MAJOR[:10], _MAJOR[11], _MAJOR[10]),
    "dorian": (*_MINOR[:8], _MINOR[9], _MINOR[8], *_MINOR[10:]),
    "minor": _MINOR,
}
BASS = 0.2  # what a tonic in the last bass is worth, in correlation


def found_key(score: Score) -> Key:
    """The likeliest key of the first part; C major of a score without notes."""
    return ranked(score)[0][0]


def of_signature(score: Score, signed: Key) -> Key:
    """The likeliest key of this signature; the one given where the score has no notes."""
    fitting = [key for key, _ in ranked(score) if key.fifths == signed.fifths]
    return fitting[0] if fitting and score.notes else signed


def ranked(score: Score) -> list[tuple[Key, float]]:
    """All keys with their log-odds but for a constant, the best first."""
    notes = score.parts[0].sounding() if score.parts else []
    weights, ends = pitch_weights(notes, score), _ends(notes, score)
    last = notes[-1].pitch % 12 if notes else -1
    out = []
    for mode, profile in PROFILES.items():
        told = np.log((np.array(profile) + FLOOR) / 1000)
        for tonic in range(12):
            odds = LIKELIHOOD * float(weights @ np.roll(told, tonic)) + MODE[mode]
            odds += ENDS * ends[tonic] + LAST * (last == tonic)
            out.append((Key("C", mode).up(tonic), odds))
    return sorted(out, key=lambda pair: -pair[1])


def correlated(score: Score) -> list[tuple[Key, float]]:
    """All keys with the correlation of the pitch classes with their ratings, the best first."""
    weights = pitch_weights(score.parts[0].sounding() if score.parts else [], score)
    out = [
        (Key("C", mode).up(tonic), _correlation(weights, np.roll(np.array(ratings), tonic)))
        for mode, ratings in RATINGS.items()
        for tonic in range(12)
    ]
    return sorted(out, key=lambda pair: -pair[1])


def pitch_weights(notes: Sequence[Note], score: Score) -> np.ndarray:
    """float [12], 1 together: how long each pitch class sounds; on downbeats it counts twice."""
    downbeats = {bar.onset for bar in score.bars}
    out = np.zeros(12)
    for note in notes:
        out[note.pitch % 12] += float(note.length) * (2 if note.onset in downbeats else 1)
    return out / max(out.sum(), 1e-9)


def _ends(notes: Sequence[Note], score: Score) -> np.ndarray:
    """float [12], 1 together: half by the last notes of the sections, half by the tune's last."""
    out = np.zeros(12)
    if not notes:
        return out
    place = 0
    for end in (bar.end for bar in score.bars if bar.ends or bar.double):
        while place < len(notes) and notes[place].onset < end:
            place += 1
        if place:
            out[notes[place - 1].pitch % 12] += 1
    out = out / max(out.sum(), 1.0)
    out[notes[-1].pitch % 12] += 1
    return out / out.sum()


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size else 0.0


# --- notes without a score ------------------------------------------------------------------------


@cache
def every_key() -> tuple[Key, ...]:
    """The 24 keys: major from C upwards, then minor."""
    return tuple(Key("C", mode).up(n) for mode in ("major", "minor") for n in range(12))


def find_key(notes: Iterable[tuple[int, float]], last: int | None = None) -> Key:
    """The likeliest of the 24 keys of (pitch, length) pairs; last: the lowest pitch at the end,
    where the piece has one, which is mostly the tonic."""
    weights = np.zeros(12)
    for pitch, length in notes:
        weights[pitch % 12] += length
    turned = [np.roll(RATINGS[mode], n) for mode in ("major", "minor") for n in range(12)]
    scores = np.array([_correlation(profile, weights) for profile in turned])
    if last is not None:
        scores[[last % 12, 12 + last % 12]] += BASS
    return every_key()[int(scores.argmax())]
