"""Spectra, alignments and ranks: right on what can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genloom.metric.alignment import Nearest, aligned, identity
from genloom.metric.kmers import Markov, divergence, spectrum, until_stop
from genloom.metric.ranks import auroc, spearman
from genloom.metric.substitution import alike, blosum62

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def coded(text: str) -> np.ndarray:
    return np.array([LETTERS.index(letter) for letter in text])


def test_runs_are_counted_where_all_letters_are_known():
    counts = spectrum([np.array([0, 1, 2, 4, 0, 1])], 2, 4)
    assert counts.sum() == 3 and counts[1] == 2 and counts[6] == 1
    assert spectrum([np.array([0, 1, 2, 3, 3, 3])], 3, 4, step=3).nonzero()[0].tolist() == [6, 63]
    assert divergence(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(1.0)
    assert divergence(counts, 3 * counts) == pytest.approx(0.0)
    assert until_stop(np.array([0, 0, 0, 3, 3, 3, 0, 0, 0]), frozenset({63})) == 1


def test_a_chain_makes_what_it_counted():
    rng = np.random.default_rng(0)
    real = np.cumsum(rng.integers(1, 3, 40_000)) % 4  # each letter is one or two above the last
    chain = Markov([real], 1, 4)
    (made,) = chain.draw([20_000], seed=1)
    assert np.isin(np.diff(made) % 4, (1, 2)).mean() > 0.999  # what was never seen has a trace
    assert divergence(spectrum([made], 2, 4), spectrum([real], 2, 4)) < 1e-3
    assert chain.nats(real) / (len(real) - 1) == pytest.approx(-math.log(2), abs=0.01)


def test_alignment_finds_what_was_left_out_and_changed():
    a, b = coded("MKTAYIAKQRQISFVKSHFSRQ"), coded("MKTAYIAKRQISFVKSHWSRQ")
    pairs = aligned(a, b, blosum62(LETTERS))
    assert [(i, j) for i, j in pairs if i < 8] == [(i, i) for i in range(8)]
    assert pairs[-1] == (21, 20) and identity(a, b, blosum62(LETTERS)) == pytest.approx(20 / 21)
    assert identity(a, a, alike(20)) == 1.0


def test_the_nearest_of_many():
    rng = np.random.default_rng(0)
    library = [rng.integers(0, 20, 120) for _ in range(30)]
    asked = library[7].copy()
    asked[::10] = (asked[::10] + 1) % 20
    share, number = Nearest(library, 4, 21).find(asked, blosum62(LETTERS))
    assert number == 7 and share == pytest.approx(0.9, abs=0.02)
    assert Nearest(library, 4, 21).find(np.array([1]), blosum62(LETTERS)) == (0.0, None)


def test_blosum62_is_symmetric_and_known_in_places():
    table = blosum62(LETTERS)
    assert np.array_equal(table, table.T) and table.shape == (21, 21)
    at = {letter: n for n, letter in enumerate(LETTERS)}
    assert table[at["W"], at["W"]] == 11 and table[at["I"], at["V"]] == 3
    assert table[at["D"], at["E"]] == 2 and table[at["C"], at["W"]] == -2


def test_ranks():
    assert spearman([1, 2, 3, 4], [1, 4, 9, 16]) == pytest.approx(1.0)
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    assert math.isnan(spearman([1, 1], [1, 2])) and math.isnan(auroc([], [1]))
    assert auroc([2, 3], [0, 2]) == pytest.approx(0.875)
    # scipy.stats.spearmanr([1, 2, 2, 4, 5], [5, 6, 7, 8, 7])
    assert spearman([1, 2, 2, 4, 5], [5, 6, 7, 8, 7]) == pytest.approx(0.763, abs=5e-4)
