"""Rules of voice leading, counted where the count is plain."""

from __future__ import annotations

import numpy as np

from genloom.metric.voice_leading import chorale_features, longest_repeat, voice_leading


def frames(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array(rows)


def test_parallels_are_two_voices_in_a_perfect_interval_that_move_alike():
    fifths = voice_leading(frames((79, 67, 64, 60), (81, 67, 64, 62)))  # soprano and bass: 19 to 19
    assert fifths["parallels"] == 50.0
    held = voice_leading(frames((79, 67, 64, 60), (79, 67, 64, 60)))
    contrary = voice_leading(frames((79, 67, 64, 60), (74, 67, 64, 67)))
    assert held["parallels"] == contrary["parallels"] == 0.0


def test_crossings_compass_leaps_spacing_and_dissonance():
    good = voice_leading(frames((72, 67, 64, 48), (71, 67, 62, 55)))
    assert all(good[name] == 0 for name in ("crossings", "compass", "leaps", "spacing"))
    assert good["dissonance"] == 0 and good["changes"] == 50.0
    bad = voice_leading(frames((72, 55, 64, 48), (85, 55, 62, 49)))
    assert bad["crossings"] == 1.0 and bad["compass"] == 1 / 8
    assert bad["leaps"] == 1 / 3 and bad["spacing"] == 1.0 and bad["dissonance"] == 0.5
    assert voice_leading(np.full((3, 4), -1))["crossings"] == 0.0


def test_a_repeat_is_found_in_another_key():
    rng = np.random.default_rng(0)
    known = rng.integers(40, 80, (60, 4))
    mine = np.concatenate((rng.integers(40, 80, (10, 4)), known[20:50] + 3))
    assert longest_repeat(mine, [known]) == 30
    assert longest_repeat(rng.integers(40, 80, (60, 4)), [known]) == 0


def test_features_do_not_depend_on_the_key():
    voices = np.array([(72, 67, 64, 48), (71, 67, 62, 55), (-1, 67, 62, 55)])
    up = np.where(voices < 0, -1, voices + 5)
    assert np.allclose(chorale_features(voices, 0), chorale_features(up, 5))
