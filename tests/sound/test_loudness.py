"""Loudness by the signals of EBU Tech 3341, peaks between samples, and what is made of both."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.sound.loudness import _highest, levelled, limited, loudness, true_peak
from genloom.sound.wave import Sound

RATE = 48_000


def tone(decibels: float, seconds: float, rate: int = RATE) -> torch.Tensor:
    """A stereo sine of 1 kHz with peaks at so many decibels of full scale."""
    x = torch.sin(2 * math.pi * 1_000 * torch.arange(round(rate * seconds)).double() / rate)
    return (x * 10 ** (decibels / 20)).float().expand(2, -1)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_a_steady_tone(level: float, rate: int) -> None:
    assert loudness(Sound(tone(level, 4, rate), rate)) == pytest.approx(level, abs=0.1)


def test_what_is_quiet_does_not_count() -> None:
    """Case 3: 10 s at -36, 60 s at -23, 10 s at -36; shortened by five."""
    parts = [tone(level, seconds) for level, seconds in ((-36, 2), (-23, 12), (-36, 2))]
    assert loudness(Sound(torch.cat(parts, 1), RATE)) == pytest.approx(-23, abs=0.1)


def test_what_is_silent_does_not_count() -> None:
    """Case 4: with 10 s at -72 at both ends, below the absolute gate."""
    levels = ((-72, 2), (-36, 2), (-23, 12), (-36, 2), (-72, 2))
    parts = [tone(level, seconds) for level, seconds in levels]
    assert loudness(Sound(torch.cat(parts, 1), RATE)) == pytest.approx(-23, abs=0.1)


def test_silence_and_less_than_a_block() -> None:
    assert loudness(Sound(torch.zeros(1, RATE), RATE)) == -math.inf
    assert loudness(Sound(tone(-20, 0.3), RATE)) == -math.inf
    assert true_peak(Sound(torch.zeros(1, 100), RATE)) == -math.inf


def test_peaks_between_samples_are_found() -> None:
    """A quarter of the rate, 45 degrees off: samples reach 0.707 of the peak."""
    x = torch.sin(2 * math.pi * (RATE / 4) * torch.arange(RATE).double() / RATE + math.pi / 4)[None]
    assert float(x.abs().max()) == pytest.approx(0.7071, abs=1e-3)
    assert true_peak(Sound(x.float(), RATE)) == pytest.approx(0.0, abs=0.2)


def test_the_limiter_holds_and_leaves_the_rest() -> None:
    x = torch.randn(1, 24_000, generator=torch.Generator().manual_seed(1)) * 0.05
    x[0, 12_000:12_040] += 1.5
    made = limited(Sound(x, RATE), -1.0)
    assert true_peak(made) <= -0.99
    assert torch.allclose(made.samples[:, :10_000], x[:, :10_000])
    assert limited(Sound(x * 0.01, RATE)).samples is not None


@pytest.mark.parametrize("target", [-23.0, -16.0])
def test_levelling_reaches_the_norm(target: float) -> None:
    rng = torch.Generator().manual_seed(2)
    x = torch.randn(1, 4 * RATE, generator=rng) * 0.02
    x[0, ::RATE] += 0.9  # clicks that cannot go up as the rest does
    made = levelled(Sound(x, RATE), target, -1.0)
    assert loudness(made) == pytest.approx(target, abs=0.5)
    assert true_peak(made) <= -0.99


def test_the_highest_of_neighbours_is_the_slow_maximum() -> None:
    x = torch.randn(300, generator=torch.Generator().manual_seed(5))
    for reach in (1, 2, 7, 40):
        slow = torch.nn.functional.max_pool1d(x[None, None], 2 * reach + 1, 1, reach)[0, 0]
        assert torch.equal(_highest(x, reach), slow)
