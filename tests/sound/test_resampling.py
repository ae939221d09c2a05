"""The resampler: equal to the sum it stands for, near a library's, deaf above half of the rate."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.sound.resampling import resample, resample_slowly, resampled
from genloom.sound.wave import Sound

PAIRS = [(8_000, 16_000), (16_000, 8_000), (44_100, 48_000), (22_050, 16_000), (4_000, 384_000)]


def tone(hertz: float, rate: int, seconds: float = 0.5) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(round(rate * seconds)).double() / rate)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_convolution_is_the_sum(old: int, new: int) -> None:
    x = torch.randn(200, generator=torch.Generator().manual_seed(old))
    fast, slow = resample(x, old, new), resample_slowly(x, old, new)
    assert fast.shape == slow.shape == (-(-200 * new // old),)
    assert torch.allclose(fast, slow, atol=3e-6)


@pytest.mark.parametrize(("old", "new"), PAIRS[:4])
def test_a_tone_stays_the_tone(old: int, new: int) -> None:
    made, wanted = resample(tone(440, old), old, new), tone(440, new)
    inside = slice(new // 10, -new // 10)
    assert (made - wanted[: len(made)])[inside].abs().max() < 2e-6


def test_nothing_is_heard_of_what_the_new_rate_cannot_hold() -> None:
    made = resample(tone(9_000, 44_100), 44_100, 16_000)
    assert made[1000:-1000].abs().max() < 1e-5


def test_near_the_library() -> None:
    signal = pytest.importorskip("scipy.signal")
    x = torch.randn(8_000, generator=torch.Generator().manual_seed(3))
    x = resample(resample(x, 8_000, 4_000), 4_000, 8_000)  # without the band where filters differ
    ours = resample(x, 8_000, 12_000)
    theirs = torch.from_numpy(
        signal.resample_poly(x.numpy(), 3, 2, window=("kaiser", 12.0))
    ).float()
    assert (ours - theirs)[500:-500].square().mean().sqrt() < 2e-3 * x.square().mean().sqrt()


def test_channels_and_rates_of_a_sound() -> None:
    sound = Sound(torch.randn(3, 1_000), 8_000)
    made = resampled(sound, 16_000)
    assert made.samples.shape == (3, 2_000)
    assert made.rate == 16_000
    alone = resample(sound.samples[1], 8_000, 16_000)  # some processors sum other ways alone
    assert torch.allclose(made.samples[1], alone, atol=1e-6)
    assert resampled(sound, 8_000) is sound
    assert resample(torch.zeros(0), 8_000, 16_000).shape == (0,)
