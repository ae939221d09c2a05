"""The key that notes are in: how long each pitch class sounds, held against what listeners expect.

The profiles are those of Krumhansl & Kessler (1982); the key is the one whose turned profile
correlates best (Krumhansl 1990, chapter 4). Knows major and minor alone, and no score.
Shape legend: P = 12 pitch classes, K = 24 keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from genloom.music.keys import Key

_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
LAST = 0.2  # what a tonic in the last bass is worth, in correlation


@cache
def every_key() -> tuple[Key, ...]:
    """The 24 keys: major from C upwards, then minor."""
    return tuple(Key("C", mode).up(n) for mode in ("major", "minor") for n in range(12))


def key_scores(weights: np.ndarray) -> np.ndarray:
    """float [K]: the correlation of each key's profile with how long pitch classes sound, [P]."""
    turned = [np.roll(profile, n) for profile in (_MAJOR, _MINOR) for n in range(12)]
    profiles = np.stack(turned) - np.mean(_MAJOR)
    profiles = profiles - profiles.mean(1, keepdims=True)
    centred = np.asarray(weights, float) - np.mean(weights)
    size = np.linalg.norm(profiles, axis=1) * np.linalg.norm(centred)
    return profiles @ centred / np.maximum(size, 1e-12)


def find_key(notes: Iterable[tuple[int, float]], last: int | None = None) -> Key:
    """The likeliest key of (pitch, length) pairs; last: the lowest pitch at the end, where the
    piece has one, which is mostly the tonic."""
    weights = np.zeros(12)
    for pitch, length in notes:
        weights[pitch % 12] += length
    scores = key_scores(weights)
    if last is not None:
        scores[[last % 12, 12 + last % 12]] += LAST
    return every_key()[int(scores.argmax())]
