"""Distances of series: none from itself, far from one whose steps are shuffled."""

from __future__ import annotations

import numpy as np
import pytest

from genloom.metric import series as metric


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    found = np.zeros((240, 30, 2))
    for n in range(1, 30):
        found[:, n, 0] = 0.8 * found[:, n - 1, 0] + rng.normal(size=240)
        found[:, n, 1] = found[:, n - 1, 0] + 0.3 * rng.normal(size=240)
    return found


def test_every_distance_tells_shuffled_steps(windows):
    rng = np.random.default_rng(1)
    shuffled = np.stack([window[rng.permutation(30)] for window in windows[:120]])
    real, other = windows[:120], windows[120:]
    for measure, most in (
        (metric.autocorrelation_error, 0.1),
        (metric.cross_correlation_error, 0.1),
        (metric.spectrum_error, 1.0),
    ):
        assert measure(real, other) < most < measure(real, shuffled), measure.__name__
    assert metric.discriminative_score(real, shuffled) > 0.3
    assert metric.predictive_score(other, real) < 0.8 * metric.predictive_score(other, shuffled)


def test_autocorrelations_are_those_of_numpy(windows):
    x = windows[:, :, :1] - windows[:, :, :1].mean()
    by_hand = (x[:, 3:] * x[:, :-3]).mean() / (x**2).mean()
    assert metric.autocorrelations(windows, 3)[2, 0] == pytest.approx(by_hand)


def test_windows_keep_within_a_series_and_without_gaps():
    values = np.arange(40.0)[:, None]
    values[5] = np.nan
    found = metric.windows_of(values, np.array([0, 20, 40]), 8, 100, 0)
    assert (np.diff(found[..., 0], axis=1) == 1).all()
    assert not any({19.0, 20.0} <= set(window[:, 0]) for window in found)
