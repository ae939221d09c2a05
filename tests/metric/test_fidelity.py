"""Known values of pair by pair measures."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.errors import DataError
from genloom.metric.fidelity import peak_signal_to_noise, structural_similarity


def pictures(seed: int, count: int = 3) -> torch.Tensor:
    return torch.rand(count, 3, 16, 20, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_a_known_error_has_its_decibels():
    real = torch.zeros(2, 1, 8, 8)
    made = torch.stack((torch.full((1, 8, 8), 0.2), torch.full((1, 8, 8), 0.02)))
    found = peak_signal_to_noise(made, real)
    assert found[0] == pytest.approx(20.0, abs=1e-5)
    assert found[1] == pytest.approx(40.0, abs=1e-5)


def test_equal_pictures_are_as_near_as_can_be():
    x = pictures(0)
    assert math.isinf(float(peak_signal_to_noise(x, x)[0]))
    assert structural_similarity(x, x) == pytest.approx(torch.ones(3).double())


def test_similarity_falls_with_noise_and_is_near_zero_for_strangers():
    x, noise = pictures(0), pictures(1)
    steps = [structural_similarity(x + a * noise, x).mean() for a in (0.1, 0.4, 1.0)]
    assert 1 > steps[0] > steps[1] > steps[2]
    assert abs(float(structural_similarity(noise, x).mean())) < 0.1


def test_a_constant_shift_costs_structure_nothing_but_light():
    real = torch.zeros(1, 1, 16, 16)
    expected = (0.02**2) / (0.5**2 + 0.02**2)  # eq. 13 with both variances zero
    found = structural_similarity(real + 0.5, real)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_small_pictures_have_a_smaller_window():
    x = torch.rand(1, 1, 4, 5)
    assert float(structural_similarity(x, x)) == pytest.approx(1.0)


def test_unlike_shapes_are_refused():
    with pytest.raises(DataError, match="cannot be compared"):
        peak_signal_to_noise(pictures(0), pictures(0, 2))
