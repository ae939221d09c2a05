"""What epsilon comes to, what noise it asks for, and what counts tell of one row."""

from __future__ import annotations

import numpy as np
import pytest

from genloom.budget import Ledger, Mechanism, Privacy, noise_for, seed_of, spent
from genloom.errors import RecipeError, TrainingError

KEY = b"k" * 32


@pytest.mark.parametrize(
    "noise, passes, epsilon",  # MNIST's 60,000 in batches of 256, delta 1e-5: known settings
    [(1.3, 15, 0.956), (1.1, 60, 2.600), (0.7, 45, 6.37)],
)
def test_published_settings_come_to_their_epsilon(noise, passes, epsilon):
    steps = passes * 60_000 // 256
    found = spent([Mechanism(noise=noise, rate=256 / 60_000, times=steps)], 1e-5)
    assert epsilon - 0.06 < found < epsilon + 0.01  # finer orders give a slightly lower bound


def test_what_is_looked_for_is_what_is_spent_and_more_costs_more():
    beside = [Mechanism(noise=20.0, times=30)]
    noise = noise_for(3.0, 1e-5, rate=0.1, times=100, beside=beside)
    step = Mechanism(noise=noise, rate=0.1, times=100)
    assert 2.99 < spent([*beside, step], 1e-5) <= 3.0
    assert spent([step], 1e-5) < spent([*beside, step], 1e-5)
    assert noise_for(3.0, 1e-5, rate=0.1, times=400) > noise_for(3.0, 1e-5, rate=0.1, times=100)
    assert noise_for(1.0, 1e-5, rate=0.1, times=100) > noise_for(3.0, 1e-5, rate=0.1, times=100)
    assert spent([], 1e-5) == 0.0


def test_an_epsilon_that_leaves_nothing_is_refused():
    with pytest.raises(TrainingError, match="leaves nothing to learn"):
        noise_for(0.5, 1e-5, rate=0.1, times=100, beside=[Mechanism(noise=1.0, times=100)])


@pytest.mark.parametrize(
    "values",
    [{"epsilon": 0.0}, {"epsilon": -1.0}, {"epsilon": float("nan")}, {"epsilon": 1, "clip": 0.0}],
)
def test_what_cannot_hold_is_refused(values):
    with pytest.raises(RecipeError, match="is expected"):
        Privacy(**values).check()


def test_a_delta_that_would_tell_a_row_is_refused():
    assert Privacy(epsilon=3.0).delta_of(1000) == pytest.approx(1e-5)
    assert Privacy(epsilon=3.0).delta_of(10**6) == pytest.approx(1e-7)
    with pytest.raises(RecipeError, match="hand out a row"):
        Privacy(epsilon=3.0, delta=0.01).delta_of(1000)


def test_counts_have_their_noise_and_cost_their_share():
    ledger = Ledger(Privacy(epsilon=3.0, delta=1e-5), KEY, 10_000)
    ledger.open(10, choices=4)
    noisy = ledger.counts(np.zeros(20_000), "a")
    assert noisy.std() == pytest.approx(ledger.noise, rel=0.03)
    assert spent([ledger.mechanism], ledger.left_delta) == pytest.approx(0.9, abs=0.01)
    assert not np.array_equal(noisy[:5], ledger.counts(np.zeros(5), "b"))
    assert np.array_equal(noisy[:5], ledger.counts(np.zeros(5), "a"))  # a training that goes on


def test_a_value_of_one_row_is_hardly_ever_known_and_one_of_many_is():
    ledger = Ledger(Privacy(epsilon=3.0, delta=1e-3), KEY, 500)
    ledger.open(10, choices=1)
    rare = ledger.known(np.ones(200_000), "a")
    assert (rare > 0).mean() < 3 * ledger.privacy.selects * ledger.delta
    assert (rare > 0).any()  # the threshold is no higher than it has to be
    assert (ledger.known(np.full(100, 3 * ledger.threshold), "b") > 0).all()


def test_a_codec_that_asks_more_than_was_paid_for_is_stopped():
    ledger = Ledger(Privacy(epsilon=3.0), KEY, 1000)
    ledger.open(1, choices=1)
    ledger.counts(np.ones(2), "a")
    with pytest.raises(TrainingError, match="fault of the codec"):
        ledger.counts(np.ones(2), "b")


def test_seeds_follow_from_the_key_and_the_names():
    seeds = {
        seed_of(KEY, "a", 1),
        seed_of(KEY, "a", 2),
        seed_of(KEY, "b", 1),
        seed_of(b"l", "a", 1),
    }
    assert len(seeds) == 4 and seed_of(KEY, "a", 1) == seed_of(KEY, "a", 1)
