"""Rates, risks and operating points, held to the reference library's and scikit-learn's figures."""

from __future__ import annotations

import numpy as np
import pytest

from genloom.metric.risk import Rate, area, bounded, caught, ratios, risk

# (hits, control hits, tries) -> rate, its error, risk, its ends: Anonymeter 1.1.0
PUBLISHED = {
    (30, 10, 500): (0.06335471, 0.02100635, 0.04065696, 0.01575469, 0.06555922),
    (400, 300, 1000): (0.40038268, 0.03030789, 0.14246623, 0.08689390, 0.19803856),
    (0, 0, 50): (0.03567380, 0.03567380, 0.0, 0.0, 0.05231671),
    (500, 10, 500): (0.99618783, 0.00381217, 0.99609545, 0.99219057, 1.0),
}


@pytest.mark.parametrize("counts", PUBLISHED)
def test_rates_and_risks_are_those_of_the_reference(counts):
    hits, others, tries = counts
    value, error, middle, low, high = PUBLISHED[counts]
    attack = Rate.of(hits, tries)
    assert (attack.value, attack.error) == pytest.approx((value, error), abs=1e-6)
    found = risk(attack, Rate.of(others, tries))
    assert (found.value, found.low, found.high) == pytest.approx((middle, low, high), abs=1e-6)


def test_a_count_that_cannot_be_is_refused():
    for hits, count in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match="hits of"):
            Rate.of(hits, count)


def test_the_area_is_that_of_scikit_learn_ties_included():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 9, 60) + 1.0, rng.integers(0, 9, 40) + 0.0
    label = np.repeat((1, 0), (60, 40))
    exact = roc_auc_score(label, np.concatenate((members, others)))
    assert area(members, others) == pytest.approx(exact)
    assert bounded(area, members, others).low < exact < bounded(area, members, others).high


def test_who_is_caught_at_a_share_of_wrong_alarms():
    others = np.arange(100.0)
    assert caught(np.array([98.5, 99.5, 3.0]), others, 0.01) == pytest.approx(2 / 3)
    assert caught(np.array([98.0, 99.0]), others, 0.01) == 0.5
    assert caught(np.array([99.0]), others, 0.0) == 0.0


def test_ratios_tell_rows_that_raise_their_own_score_and_no_others():
    rng = np.random.default_rng(0)
    level = rng.normal(0, 5, 400)  # some rows are likelier than others whoever learns
    inside = rng.random((8, 400)) < 0.5
    shadows = level + 1.5 * inside + 0.3 * rng.normal(size=inside.shape)
    member = rng.random(400) < 0.5
    own = level + 1.5 * member + 0.3 * rng.normal(size=400)
    told = ratios(own, shadows, inside)
    assert area(told[member], told[~member]) > 0.98 > area(own[member], own[~member])
    nothing = ratios(level, level + 0.3 * rng.normal(size=inside.shape), inside)
    assert 0.4 < area(nothing[member], nothing[~member]) < 0.6
