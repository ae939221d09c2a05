"""How four voices move: the rules of the style, counted. Knows arrays of pitches alone.

Rules after Fux and the usual textbooks (Piston, Harmony, chapter 2). Rates are counted where notes
change, so that a grid of sixteenths does not thin them out.
Shape legend: T frames, V = 4 voices from the top; -1 is a rest.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

COMPASS = ((60, 81), (53, 74), (48, 69), (36, 64))  # what soprano, alto, tenor and bass may sing
OCTAVE = 12
CONSONANT = {0, 3, 4, 7, 8, 9}  # above the bass, with the fourth a dissonance
APART = (OCTAVE, OCTAVE)  # soprano to alto, alto to tenor
_PAIRS = tuple(combinations(range(4), 2))


def voice_leading(voices: np.ndarray) -> dict[str, float]:
    """Of int [T, V]:

    parallels   fifths, octaves and unisons that two voices move in alike, per 100 frames
    crossings   share of frames in which a lower voice is above a higher one
    compass     share of sounding frames of a voice outside what it may sing
    leaps       share of melodic steps above an octave, or a tritone or a seventh
    spacing     share of frames with more than an octave between neighbours of the upper three
    dissonance  share of frames with a dissonance above the bass
    changes     frames in which some voice begins another note, per 100
    """
    voices = np.asarray(voices, int)
    sung = voices >= 0
    whole = sung.all(1)
    before, after = voices[:-1], voices[1:]
    moves = (before != after).any(1)
    frames = max(len(voices), 1)
    return {
        "parallels": 100.0 * _parallels(voices) / frames,
        "crossings": _mean(_any(np.diff(voices, axis=1) > 0)[whole]),
        "compass": _mean(_outside(voices)[sung]),
        "leaps": _mean(_wide(voices)),
        "spacing": _mean(_any(-np.diff(voices[:, :3], axis=1) > APART)[whole]),
        "dissonance": _mean(_dissonant(voices)[whole]),
        "changes": 100.0 * float(moves.sum()) / frames,
    }


def _any(x: np.ndarray) -> np.ndarray:
    """bool [T]."""
    return np.asarray(x.any(1))


def _mean(x: np.ndarray) -> float:
    return float(x.mean()) if len(x) else 0.0


def _parallels(voices: np.ndarray) -> int:
    """Pairs of voices that both move, in one direction, from a perfect interval to the same."""
    before, after = voices[:-1], voices[1:]
    count = 0
    for a, b in _PAIRS:
        there = ~_any(voices[:, [a, b]] < 0)
        first, second = before[:, a] - before[:, b], after[:, a] - after[:, b]
        alike = (first % OCTAVE == second % OCTAVE) & np.isin(first % OCTAVE, (0, 7))
        step_a, step_b = after[:, a] - before[:, a], after[:, b] - before[:, b]
        together = (step_a * step_b > 0) & there[:-1] & there[1:]
        count += int((alike & together).sum())
    return count


def _outside(voices: np.ndarray) -> np.ndarray:
    low, high = np.array(COMPASS).T
    return (voices < low) | (voices > high)


def _wide(voices: np.ndarray) -> np.ndarray:
    """bool: of each melodic step of each voice."""
    steps = np.abs(np.diff(voices, axis=0))
    real = (steps > 0) & (voices[:-1] >= 0) & (voices[1:] >= 0)
    steps = steps[real]
    return (steps > OCTAVE) | np.isin(steps, (6, 10, 11))


def _dissonant(voices: np.ndarray) -> np.ndarray:
    """bool [T]."""
    above = (voices[:, :3] - voices[:, 3:]) % OCTAVE
    return _any(~np.isin(above, list(CONSONANT)))


def chorale_features(voices: np.ndarray, tonic: int) -> np.ndarray:
    """float [120]: how much each voice sings of the twelve degrees above the tonic, and how often
    it moves by how many semitones, up to an octave either way."""
    out = []
    for voice in np.asarray(voices, int).T:
        sung = voice[voice >= 0]
        out.append(np.bincount((sung - tonic) % OCTAVE, minlength=OCTAVE) / max(len(sung), 1))
        notes = sung[np.flatnonzero(np.diff(sung, prepend=-1))] if len(sung) else sung
        steps = np.clip(np.diff(notes), -9, 8) + 9
        out.append(np.bincount(steps, minlength=18) / max(len(steps), 1))
    return np.concatenate(out)


def longest_repeat(voices: np.ndarray, others: list[np.ndarray]) -> int:
    """Frames of the longest run of `voices` that stands in one of the others, in any key."""
    best = 0
    mine = _relative(voices)
    known = [_relative(one) for one in others]
    index: dict[bytes, list[tuple[int, int]]] = {}
    for n, one in enumerate(known):
        for t in range(len(one) - _SEED + 1):
            index.setdefault(one[t : t + _SEED].tobytes(), []).append((n, t))
    for t in range(len(mine) - _SEED + 1):
        for n, at in index.get(mine[t : t + _SEED].tobytes(), ()):
            best = max(best, _alike(mine[t:], known[n][at:]))
    return best


_SEED = 16  # frames


def _relative(voices: np.ndarray) -> np.ndarray:
    """int16 [T - 1, 2 V - 1]: intervals within each frame, and every voice's step to the next."""
    voices = np.asarray(voices, np.int16)
    return np.ascontiguousarray(
        np.concatenate((np.diff(voices, axis=1)[:-1], np.diff(voices, axis=0)), 1)
    )


def _alike(a: np.ndarray, b: np.ndarray) -> int:
    size = min(len(a), len(b))
    differ = (a[:size] != b[:size]).any(1)
    return int(differ.argmax()) + 1 if differ.any() else size + 1
