"""Sounds one after another: pauses, equal power in between, ends without silence."""

from __future__ import annotations

import pytest
import torch

from genloom.errors import DataError
from genloom.sound.joining import Joiner, faded, heard, joined, trimmed
from genloom.sound.wave import Sound

RATE = 8_000


def noise(seconds: float, seed: int = 0, channels: int = 1) -> Sound:
    rng = torch.Generator().manual_seed(seed)
    return Sound(torch.randn(channels, round(seconds * RATE), generator=rng) * 0.1, RATE)


def test_pauses_are_silent_and_as_long_as_asked() -> None:
    made = joined([noise(0.5), noise(0.5, 1)], [0.25, 0.1])
    assert made.samples.shape[1] == RATE + round(0.35 * RATE)
    assert float(made.samples[:, RATE // 2 : RATE // 2 + RATE // 4].abs().max()) == 0
    assert float(made.samples[:, -100:].abs().max()) == 0


def test_a_crossfade_keeps_the_power_of_unlike_sounds() -> None:
    made = joined([noise(0.5), noise(0.5, 1)], fade=0.1)
    assert made.samples.shape[1] == RATE - RATE // 10
    middle = made.samples[:, RATE // 2 - RATE // 10 : RATE // 2]
    assert float(middle.std()) == pytest.approx(0.1, rel=0.1)


def test_channels_are_brought_to_the_most() -> None:
    assert joined([noise(0.1), noise(0.1, 1, channels=2)]).samples.shape[0] == 2


def test_fades_begin_and_end_in_silence() -> None:
    x = faded(torch.ones(1, 100), begin=20, end=20)
    assert float(x[0, 0]) < 0.05 and float(x[0, -1]) < 0.05
    assert torch.equal(x[:, 20:80], torch.ones(1, 60))


def test_silence_around_is_found() -> None:
    x = torch.zeros(1, RATE)
    x[:, 3_000:5_000] = noise(0.25).samples
    begin, end = heard(Sound(x, RATE))
    assert 2_800 <= begin <= 3_000 and 5_000 <= end <= 5_240
    assert trimmed(Sound(torch.zeros(1, 100), RATE)).samples.shape == (1, 0)


def test_unlike_rates_and_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="several rates"):
        joined([noise(0.1), Sound(torch.zeros(1, 10), 16_000)])
    with pytest.raises(DataError, match="no sounds"):
        joined([])


@pytest.mark.parametrize("sizes", [(900, 400, 700), (900, 30, 700), (40, 20, 30), (500,)])
@pytest.mark.parametrize("pauses", [(0.0, 0.02, 0.01), (0.0, 0.0, 0.0), (0.05, 0.0, 0.0)])
def test_joining_as_they_come_is_joining_all(
    sizes: tuple[int, ...], pauses: tuple[float, ...]
) -> None:
    rng = torch.Generator().manual_seed(1)
    sounds = [Sound(torch.randn(1, size, generator=rng), 8000) for size in sizes]
    joiner = Joiner(8000)
    parts, begins = zip(
        *(joiner.push(s, p) for s, p in zip(sounds, pauses, strict=False)), strict=True
    )
    made = torch.cat([*(part.samples for part in parts), joiner.end().samples], 1)
    assert torch.equal(made, joined(sounds, pauses[: len(sizes)]).samples)
    assert [round(begin * 8000) for begin in begins[:1]] == [0]
    if min(sizes) > 100:
        assert list(begins) == sorted(begins)
