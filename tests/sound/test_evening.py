"""Pieces at one level: the first one's, whatever comes behind, and no clipping."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.sound.evening import CEILING, MOST, EvenJoiner, evened, level
from genloom.sound.wave import Sound


def tone(loud: float, seconds: float = 0.5) -> Sound:
    return Sound(loud * torch.sin(torch.arange(round(8000 * seconds)) * 0.4)[None], 8000)


def test_the_level_is_that_of_what_is_heard() -> None:
    sound = tone(0.5)
    silent = Sound(torch.cat((sound.samples, torch.zeros(1, 8000)), 1), 8000)
    assert level(sound) == pytest.approx(10 * math.log10(0.125), abs=0.05)
    assert level(silent) == pytest.approx(level(sound), abs=0.05)
    assert level(Sound(torch.zeros(1, 100), 8000)) == -math.inf


def test_pieces_come_to_the_first_ones_level() -> None:
    joiner = EvenJoiner()
    first, _ = joiner.push(tone(0.3), 0.1)
    second, begin = joiner.push(tone(0.6), 0.0)
    assert begin == pytest.approx(0.6)
    behind = Sound(second.samples[:, 1000:3000], 8000)
    assert level(behind) == pytest.approx(level(first), abs=0.2)


def test_there_are_limits() -> None:
    assert level(evened(tone(0.001), -10.0)) == pytest.approx(level(tone(0.001)) + MOST, abs=0.1)
    assert float(evened(tone(0.9), 20.0).samples.abs().max()) <= CEILING + 1e-6
    silence = Sound(torch.zeros(1, 100), 8000)
    assert evened(silence, -10.0) is silence
