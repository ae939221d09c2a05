"""Held-out parts: complete, disjoint, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genloom.data.split import split_items, split_stream
from genloom.errors import DataError


@given(st.lists(st.text(), max_size=6), st.sampled_from([0.0, 0.1, 0.5, 0.9]))
def test_the_parts_of_a_stream_joined_are_the_whole(texts, fraction):
    size = sum(map(len, texts))
    if fraction and not 0 < int(size * (1 - fraction)) < size:
        with pytest.raises(DataError, match="too few"):
            split_stream(texts, fraction)
        return
    first, last = split_stream(texts, fraction)
    assert "".join(first) + "".join(last) == "".join(texts)
    assert sum(map(len, first)) == int(size * (1 - fraction))
    assert all(first) and all(last)


def test_a_text_is_cut_where_the_border_falls():
    assert split_stream(["abcdef", "ghij"], 0.5) == (["abcde"], ["f", "ghij"])


@given(st.integers(2, 300), st.integers(0, 5), st.sampled_from([0.01, 0.2, 0.9]))
def test_items_are_split_completely(count, seed, fraction):
    train, held = split_items(count, fraction, seed)
    assert sorted([*train, *held]) == list(range(count))
    assert len(train) and len(held)


def test_the_share_is_about_right_and_the_seed_matters():
    _, held = split_items(20_000, 0.1, 1)
    assert 1850 < len(held) < 2150
    assert not np.array_equal(held, split_items(20_000, 0.1, 2)[1])
    assert np.array_equal(held, split_items(20_000, 0.1, 1)[1])


def test_an_index_keeps_its_side_when_the_data_grow():
    _, small = split_items(500, 0.3, 0)
    _, large = split_items(900, 0.3, 0)
    assert set(small) == {i for i in large if i < 500}


def test_the_first_indices_are_pinned():
    assert split_items(40, 0.1, 0)[1].tolist() == [2, 32, 33]  # for ever


def test_nothing_held_out_and_impossible_fractions():
    assert len(split_items(10, 0.0)[1]) == 0
    assert len(split_items(1, 0.5)[0]) + len(split_items(1, 0.5)[1]) == 1
    for fraction in (-0.1, 1.0, float("nan")):
        with pytest.raises(DataError, match="hold out"):
            split_items(10, fraction)
        with pytest.raises(DataError, match="hold out"):
            split_stream(["abc"], fraction)
