"""Intervals: Wilson's against published values, the bootstrap against the normal formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genloom.metric.interval import Interval, bootstrap, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # R: binom::binom.wilson
    [(0, 100, 0.0, 0.0370), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662), (9, 9, 0.7009, 1)],
)
def test_wilson_equals_the_published_values(hits: int, count: int, low: float, high: float) -> None:
    found = wilson(hits, count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert found.value == hits / count


def test_of_nothing_nothing_is_known() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)
    assert not found.above(Interval(0.0, 0.0, 0.0))


def test_more_hits_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="give 0 to 3"):
        wilson(4, 3)


def test_the_bootstrap_of_a_mean_is_the_normal_interval_of_a_large_sample() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 1000)
    found = bootstrap(values.tolist())
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)
    assert found == bootstrap(values.tolist())  # its draws are its own


def test_a_weighted_mean_is_the_ratio_of_sums() -> None:
    assert bootstrap([1.0, 3.0], [1.0, 1.0]).value == 2.0
    assert bootstrap([1.0, 3.0], [1.0, 3.0]).value == 1.0
    with pytest.raises(ValueError, match="one each"):
        bootstrap([1.0], [1.0, 2.0])
