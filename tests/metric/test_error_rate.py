"""Edits and error rates: the fast way against the definition, known values, intervals."""

from __future__ import annotations

import random

import pytest

from genloom.metric.error_rate import character_counts, edits, edits_slowly, rate, word_counts


def test_fast_edits_are_those_of_the_definition():
    rng = random.Random(5)
    for _ in range(200):
        a, b = ("".join(rng.choices("abc", k=rng.randrange(9))) for _ in range(2))
        assert edits(a, b) == edits_slowly(a, b) == edits(b, a)


def test_known_edits():
    assert edits("kitten", "sitting") == 3 and edits("", "abc") == 3 and edits("abc", "") == 3
    assert edits(["a", "cat", "sat"], ["the", "cat", "sat", "down"]) == 2


def test_a_rate_is_over_all_characters_together():
    said, heard = ["abcd", "a"], ["abcd", "b"]
    found = rate(character_counts(said, heard))
    assert found.value == pytest.approx(1 / 5) and found.low <= 0.2 <= found.high
    assert rate(word_counts(said, heard)).value == pytest.approx(1 / 2)
    assert rate(character_counts(said, said)).high == 0.0
