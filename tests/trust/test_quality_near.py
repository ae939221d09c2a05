"""Figures of real pictures among themselves beside those of made ones: copies and shifts."""

from __future__ import annotations

import pytest
import torch

from genloom.trust.quality_near import copies_row, kernel_row


def cloud(count: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)) + shift


def test_pictures_of_the_same_source_are_as_far_as_halves_and_strangers_farther():
    real, floor = cloud(200, 0), cloud(200, 2, 3.0)
    same = kernel_row(real, cloud(200, 1), floor, seed=0)
    other = kernel_row(real, cloud(200, 1, 0.7), floor, seed=0)
    assert same.value is not None and other.value is not None and other.floor is not None
    assert 0.7 < same.value < 1.5
    assert 2 * same.value < other.value < other.floor


def test_planted_copies_are_counted_and_strangers_are_not():
    train, held = cloud(300, 0), cloud(100, 1)
    made = cloud(100, 2)
    made[:30] = train[:30] + 1e-3
    row = copies_row(made, held, train)
    assert row.value == pytest.approx(0.3, abs=0.06)
    assert row.ceiling is not None and row.ceiling <= 0.02
    assert copies_row(train[:50], held, train).value == 1.0


def test_where_real_pictures_have_twins_only_equal_ones_count():
    train, held, made = cloud(300, 0), cloud(100, 1), cloud(100, 2)
    held[:20] = train[:20]
    made[:5] = train[:5]
    made[5:10] = train[5:10] + 1e-3
    row = copies_row(made, held, train)
    assert row.value == pytest.approx(0.05)
    assert row.ceiling == pytest.approx(0.2)
