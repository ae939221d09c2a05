"""The distance of spectra: what it hears, what it passes over, and where it stops."""

from __future__ import annotations

import math

import pytest
import torch
import toys

from genloom.errors import RecipeError
from genloom.family.reconstruction import Reconstruction
from genloom.family.spectral import FLOOR, magnitudes, some, spectral_distance, windows

TIME = torch.arange(4096) / 8000


def tone(hertz: float, turn: float = 0.0) -> torch.Tensor:
    return 0.3 * torch.sin(2 * math.pi * hertz * TIME + turn)[None, None]


def test_pitch_is_heard_and_phase_is_not() -> None:
    same = float(spectral_distance(tone(440, 1.0), tone(440)))
    other = float(spectral_distance(tone(700), tone(440)))
    assert float(spectral_distance(tone(440), tone(440))) == 0.0
    assert other > 4 * same


def test_half_as_loud_is_as_far_at_every_loudness() -> None:
    rng = torch.Generator().manual_seed(0)
    x = 0.2 * torch.randn(1, 1, 4096, generator=rng)
    near, far = (float(spectral_distance(0.5 * y, y)) for y in (x, 0.1 * x))
    assert near == pytest.approx(1.5 * math.log(2), rel=0.02) == far  # 1 + LINEAR times


def test_magnitudes_are_those_of_a_plain_transform() -> None:
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(1, 512, generator=rng)
    shape = torch.hann_window(128)
    piece = x[0, 32 * 5 - 48 : 32 * 5 + 80] * shape / shape.square().sum().sqrt()
    plain = torch.fft.rfft(piece).abs().square().add(FLOOR**2).sqrt()
    assert torch.allclose(magnitudes(x, 128)[0, :, 5], plain, atol=1e-5)


def test_silence_has_finite_slopes() -> None:
    out = torch.zeros(1, 1, 2048, requires_grad=True)
    spectral_distance(out, tone(300)[..., :2048]).sum().backward()
    assert out.grad is not None and bool(out.grad.isfinite().all())


def test_short_signals_have_fewer_windows() -> None:
    assert windows(300) == [64, 128, 256] and windows(10) == [64]
    assert bool(spectral_distance(torch.zeros(2, 1, 10), torch.ones(2, 1, 10)).isfinite().all())
    rng = torch.Generator().manual_seed(0)
    drawn = {tuple(some(4096, 2, rng)) for _ in range(20)}
    assert len(drawn) > 3 and all(len(one) == 2 for one in drawn) and len(some(4096, 0, rng)) == 6


def test_pictures_have_no_spectra_of_this_kind(tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = toys.shaken(toys.MADE["picture through a latent"](), tmp_path)
    batch = toys.job(toys.MADE["picture through a latent"](), tmp_path).loader.batch(0)
    with pytest.raises(RecipeError, match="spectral=0"):
        Reconstruction(spectral=1.0).score(model.nets, batch)
