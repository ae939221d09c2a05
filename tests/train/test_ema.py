"""Averages of the weights: the tracked ones exactly, any other from what was stored."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from genloom.train.ema import EVERY, WIDTHS, Average, combination, exponent, reconstruct


def direct(path: Tensor, width: float) -> Tensor:
    """The power-function average of the points, from its definition. path: [T, n]."""
    t = torch.arange(len(path) + 1, dtype=torch.float64) ** (exponent(width) + 1)
    share = t.diff() / t[-1]
    return (share[:, None] * path.double()).sum(0)


@pytest.fixture(scope="module")
def walked():
    """A path that a training could take, the averages along it, and eight stored ones."""
    rng = torch.Generator().manual_seed(0)
    count = 400
    steps = torch.randn(count, 6, generator=rng) / math.sqrt(count)
    path = steps.cumsum(0) + torch.linspace(2, 0, count)[:, None] ** 2
    p = torch.zeros(6)
    average = Average([p])
    stored = []
    for n in range(count):
        p.copy_(path[n])
        average.update((n + 1) * EVERY)
        if (n + 1) % 50 == 0:
            stored.append((n + 1, [[x.clone() for x in t] for t in average.tracks]))
    return path, average, stored


@pytest.mark.parametrize("width", [0.02, 0.05, 0.1, 0.2, 0.28])
def test_the_exponent_has_the_width_it_was_asked_for(width):
    g = exponent(width)
    assert math.sqrt((g + 1) / ((g + 2) ** 2 * (g + 3))) == pytest.approx(width, rel=1e-6)


def test_tracks_are_the_power_function_averages(walked):
    path, average, _ = walked
    for width, (track,) in zip(WIDTHS, average.tracks, strict=True):
        assert torch.allclose(track.double(), direct(path, width), atol=1e-5)


@pytest.mark.parametrize(
    "width, within", [(0.05, 1e-4), (0.07, 0.02), (0.1, 1e-4), (0.15, 0.02), (0.2, 0.05)]
)
def test_reconstruction_is_close_to_the_average_itself(walked, width, within):
    path, _, stored = walked
    wanted = direct(path, width)
    (made,) = reconstruct(stored, width)
    spread = (wanted - path[-1].double()).norm()
    assert (made.double() - wanted).norm() < within * spread
    assert sum(combination([t for t, _ in stored], [0.1] * 8, width)) == pytest.approx(1.0)


def test_steps_between_updates_change_nothing():
    p = torch.zeros(3)
    average = Average([p])
    p += 1
    for step in range(1, EVERY):
        average.update(step)
    assert average.tracks[0][0].eq(0).all()
    average.update(EVERY)
    assert average.tracks[0][0].eq(1).all()


def test_state_round_trip(walked):
    _, average, _ = walked
    other = Average([torch.zeros(6)])
    other.restore(average.state())
    for a, b in zip(average.tracks, other.tracks, strict=True):
        assert torch.equal(a[0], b[0])
