"""Copies and distances: a copier must look like one, an honest sample must not."""

import numpy as np
import pandas as pd
import pytest
import torch

from genloom.metric.privacy import closeness, closest, copy_rate


def test_copy_rate_counts_rows_that_are_equal_in_all_columns():
    train = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    made = pd.DataFrame({"a": [1.0, 2.0, 3.0, 3.0], "b": ["x", "x", None, "z"]})
    assert copy_rate(made, train) == 0.5
    assert copy_rate(made, train, ["a"]) == 1.0
    assert copy_rate(made.head(0), train) == 0.0


def test_copy_rate_tells_missing_values_apart_from_words_and_dtypes_do_not_matter():
    train = pd.DataFrame({"a": pd.array([1, None], dtype="Int64")})
    made = pd.DataFrame({"a": [1.0, np.nan]})
    assert copy_rate(made, train) == 1.0
    flags = pd.DataFrame({"a": [True, False]})
    assert copy_rate(flags, flags.astype("boolean")) == 1.0


@pytest.fixture
def rows():
    return torch.randn(900, 5, generator=torch.Generator().manual_seed(0))


def test_a_copier_is_closer_to_train_and_an_honest_sample_is_not(rows):
    train, held, fresh = rows[:300], rows[300:600], rows[600:]
    copied = closeness(train + 1e-3, train, held)
    assert copied.closer_to_train > 0.99 and copied.made_distance < copied.held_distance / 10
    honest = closeness(fresh, train, held)
    assert abs(honest.closer_to_train - 0.5) < 0.1
    assert honest.made_distance == pytest.approx(honest.held_distance, rel=0.2)


def test_a_larger_training_set_is_no_advantage(rows):
    assert abs(closeness(rows[:150], rows[150:750], rows[750:]).closer_to_train - 0.5) < 0.15


def test_ties_count_half(rows):
    assert closeness(rows[:10], rows[100:200], rows[100:200]).closer_to_train == 0.5


def test_closest_is_exact_and_equal_to_the_slow_way(rows):
    slow = (rows[:50, None] - rows[None, 50:]).norm(dim=-1).min(1).values
    assert torch.allclose(closest(rows[:50], rows[50:]), slow, atol=1e-6)
    assert closest(rows[:5] * 1000, rows * 1000).max() == 0
