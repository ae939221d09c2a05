"""Pulses and noise: equal to the plain sum of cosines, of variance 1, the same for every item."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.net.excitation import noise, pulses


def test_pulses_are_the_sum_of_the_harmonics() -> None:
    turns = torch.tensor([[0.013] * 6, [0.021] * 6])
    made = pulses(turns, 32)
    place = torch.arange(1, 193).double()
    for row, each in zip(made, (0.013, 0.021), strict=True):
        count = int(0.5 / each)
        whole = sum((2 * math.pi * k * each * place).cos() for k in range(1, count + 1))
        assert torch.allclose(row.double(), whole * (2 / count) ** 0.5, atol=1e-4)


def test_a_pitch_that_moves_keeps_its_phase() -> None:
    """The pulses of a frequency that rises: periods shrink one by one, none breaks off."""
    made = pulses(torch.linspace(0.01, 0.02, 40)[None], 64)[0]
    peaks = ((made[1:-1] > made[:-2]) & (made[1:-1] >= made[2:]) & (made[1:-1] > 4)).nonzero()[:, 0]
    gaps = peaks.diff()
    assert int(gaps.min()) >= 49 and int(gaps.max()) <= 101
    assert int(gaps.diff().max()) <= 1


def test_both_have_variance_one() -> None:
    voice, breath = pulses(torch.full((1, 100), 0.01), 64), noise(6400, torch.zeros(1), False)
    assert float(voice.square().mean()) == pytest.approx(1, abs=0.05)
    assert float(breath.square().mean()) == pytest.approx(1, abs=0.1)


def test_noise_at_rest_is_the_same_for_all() -> None:
    made = noise(100, torch.zeros(3), False)
    assert torch.equal(made[0], made[2]) and torch.equal(made, noise(100, torch.zeros(3), False))
    fresh = noise(100, torch.zeros(3), True)
    assert not torch.equal(fresh[0], fresh[2])
