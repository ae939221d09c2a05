"""Frames and back: the inverse is exact, mel bands are where they should be, phases are found."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.sound.phases import griffin_lim, nearer, waves_of_mel
from genloom.sound.spectra import FLOOR, Frames

FRAMES = Frames(rate=16_000, window=512, hop=128, bands=40)


@pytest.mark.parametrize("length", [1, 100, 128, 1_000, 4_096])
def test_the_inverse_is_exact(length: int) -> None:
    x = torch.randn(2, length, generator=torch.Generator().manual_seed(length))
    spectrum = FRAMES.spectrum(x)
    assert spectrum.shape == (2, 257, -(-length // 128))
    assert torch.allclose(FRAMES.waves(spectrum)[:, :length], x, atol=1e-5)


@pytest.mark.parametrize("hertz", [200.0, 1_000.0, 3_000.0, 6_000.0])
def test_a_tone_is_loudest_in_its_band(hertz: float) -> None:
    x = torch.sin(2 * math.pi * hertz * torch.arange(8_000) / 16_000)
    band = int(FRAMES.mel(x).mean(1).argmax())
    filters = FRAMES.filters()
    centre = float(filters[band].argmax()) * 16_000 / 512
    assert abs(centre - hertz) < 0.1 * hertz + 32


def test_silence_is_the_floor() -> None:
    assert torch.equal(FRAMES.mel(torch.zeros(1_000)), torch.full((40, 8), math.log(FLOOR)))


def test_phases_of_a_chord_are_found() -> None:
    time = torch.arange(8_000) / 16_000
    x = sum(torch.sin(2 * math.pi * f * time) for f in (300.0, 500.0, 900.0)) / 6  # type: ignore[arg-type]
    magnitude = FRAMES.spectrum(x).abs()
    few, many = (griffin_lim(FRAMES, magnitude, rounds) for rounds in (0, 32))
    miss = [
        float((FRAMES.spectrum(y).abs() - magnitude).norm() / magnitude.norm()) for y in (few, many)
    ]
    assert miss[1] < 0.1 < miss[0]
    assert torch.equal(many, griffin_lim(FRAMES, magnitude, 32))


def test_mel_frames_are_heard_again() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(8_000, generator=rng).cumsum(0)
    x = (x - x.mean()) / x.abs().max()
    mel = FRAMES.mel(x)
    assert float((FRAMES.mel(waves_of_mel(FRAMES, mel)) - mel).abs().mean()) < 0.25


def test_frames_that_do_not_fit_are_refused() -> None:
    for wrong in ({"hop": 100}, {"high": 9_000.0}, {"bands": 400}, {"window": 8}):
        with pytest.raises(ValueError, match=r"are expected|within|is to divide"):
            Frames(**{"rate": 16_000, "window": 512, "hop": 128, **wrong}).check()  # type: ignore[arg-type]


def test_waves_come_nearer_to_mel_frames_that_they_do_not_have() -> None:
    rng = torch.Generator().manual_seed(0)
    x = 0.1 * torch.randn(8_000, generator=rng)
    time = torch.arange(8_000) / 16_000
    wanted = FRAMES.mel(x * (1 + torch.sin(20 * time)) + torch.sin(2_500 * time))
    gaps = [
        float((FRAMES.mel(nearer(FRAMES, x, wanted, n)) - wanted).abs().mean()) for n in (0, 1, 2)
    ]
    assert gaps[0] > 2 * gaps[1] and gaps[1] > gaps[2]
    assert torch.allclose(nearer(FRAMES, x, FRAMES.mel(x))[: len(x)], x, atol=1e-4)


def test_silence_that_is_asked_for_comes() -> None:
    wanted = torch.full((40, 20), math.log(FLOOR))
    made = nearer(FRAMES, torch.zeros(20 * 128), wanted)
    assert bool(made.isfinite().all()) and float(made.abs().max()) == 0
