"""The counter-based noise: uniform, normal, independent over samples and draws, and repeatable."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.family.noise import keys, normal, uniform

COUNT = 20_000


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack((a.flatten(), b.flatten())))[0, 1])


def samples(seed: int = 0) -> torch.Tensor:
    return keys(seed, torch.arange(COUNT))


def test_uniform_numbers_fill_every_cell_alike() -> None:
    x = uniform(samples(), 0)[:, 0]
    assert bool((x >= 0).all()) and bool((x < 1).all())
    seen = torch.histc(x, 50, 0, 1)
    chi = float(((seen - COUNT / 50) ** 2 / (COUNT / 50)).sum())
    assert chi < 49 + 5 * math.sqrt(2 * 49)


def test_uniform_numbers_along_a_stream_fill_every_cell_alike() -> None:
    x = uniform(keys(7, torch.tensor([3])), 0, COUNT)[0]
    seen = torch.histc(x, 50, 0, 1)
    chi = float(((seen - COUNT / 50) ** 2 / (COUNT / 50)).sum())
    assert chi < 49 + 5 * math.sqrt(2 * 49)


@pytest.mark.parametrize("lag", [1, 2, 64, 1000])
def test_neighbouring_samples_are_independent(lag: int) -> None:
    x = uniform(samples(), 0)[:, 0]
    assert abs(correlation(x[:-lag], x[lag:])) < 5 / math.sqrt(COUNT)


def test_draws_lanes_and_seeds_are_independent() -> None:
    key = samples()
    first = uniform(key, 0, 2)
    others = [first[:, 1], uniform(key, 1)[:, 0], uniform(key, 2)[:, 0], uniform(samples(1), 0)]
    for other in others:
        assert abs(correlation(first[:, 0], other)) < 5 / math.sqrt(COUNT)


def test_no_two_samples_share_a_key_even_across_seeds() -> None:
    every = torch.cat([samples(seed) for seed in range(4)])
    assert len(every.unique()) == len(every)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (4, 2, 2)])
def test_normal_numbers_have_normal_moments(shape: tuple[int, ...]) -> None:
    x = normal(samples(), 0, shape)
    assert x.shape == (COUNT, *shape)
    x = x.double().flatten()
    bound = 5 / math.sqrt(len(x))
    assert abs(float(x.mean())) < bound
    assert abs(float(x.square().mean()) - 1) < bound * math.sqrt(2)
    assert abs(float((x**3).mean())) < bound * math.sqrt(15)
    assert abs(float((x**4).mean()) - 3) < bound * math.sqrt(96)


def test_normal_numbers_are_independent_within_a_sample() -> None:
    x = normal(samples(), 0, (6,))
    off = torch.corrcoef(x.T) - torch.eye(6)
    assert float(off.abs().max()) < 5 / math.sqrt(COUNT)


def test_the_same_bits_whoever_shares_the_batch() -> None:
    index = torch.tensor([5, 1, 9])
    together = normal(keys(3, index), 2, (4,))
    for row, number in enumerate(index):
        assert torch.equal(together[row], normal(keys(3, number[None]), 2, (4,))[0])
    assert torch.equal(uniform(keys(3, index), 2), uniform(keys(3, index), 2))


def test_a_draw_of_each_sample_its_own() -> None:
    key, draw = samples()[:3], torch.tensor([4, 0, 7])
    together = uniform(key, draw)
    for row in range(3):
        assert torch.equal(together[row], uniform(key[row : row + 1], int(draw[row]))[0])
