"""Pitches of signals: to a few cents where there is one, none in noise and silence."""

from __future__ import annotations

import pytest
import torch

from genloom.net.excitation import pulses
from genloom.sound.pitch import pitches, steady
from genloom.sound.spectra import Frames

RATE = 16_000
FRAMES = Frames(rate=RATE, window=1024, hop=256)
LOW, HIGH = 56 / RATE, 500 / RATE


@pytest.mark.parametrize("hertz", [80.0, 123.4, 220.0, 415.3])
def test_a_voice_is_found_to_a_few_cents(hertz: float) -> None:
    x = 0.1 * pulses(torch.full((1, 40), hertz / RATE), 256)[0]
    found, alike = pitches(x, FRAMES, LOW, HIGH)
    cents = 1200 * (found * RATE / hertz).log2().abs()
    assert found.shape == alike.shape == (40,)
    assert float(cents[3:-3].max()) < 8 and float(alike[3:-3].min()) > 0.9


def test_the_harmonics_alone_are_enough() -> None:
    """A voice without its lowest harmonic has its pitch all the same."""
    time = torch.arange(8_000) / RATE
    x = sum(torch.sin(2 * torch.pi * 150 * k * time) for k in (2, 3, 4, 5))
    found, _ = pitches(0.1 * x, FRAMES, LOW, HIGH)
    assert float((found[3:-3] * RATE - 150).abs().max()) < 1


def test_noise_and_silence_have_none() -> None:
    x = 0.1 * torch.randn(2, 8_000, generator=torch.Generator().manual_seed(0))
    x[1] = 0
    found, alike = pitches(x, FRAMES, LOW, HIGH)
    assert float(alike[0].mean()) < 0.3 and float(alike[1].max()) == 0
    assert bool(found.isfinite().all()) and bool((found >= LOW).all() and (found <= HIGH).all())


def test_gaps_take_the_nearest_pitch() -> None:
    turns, voiced = torch.tensor([1.0, 2, 3, 4, 5]), torch.tensor([0, 1, 0, 0, 1]).bool()
    assert steady(turns, voiced).tolist() == [2, 2, 2, 5, 5]
    assert steady(turns, torch.zeros(5).bool()).isfinite().all()
