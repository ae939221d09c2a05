"""Pieces of speech alike in level, one behind the other without knowing what is yet to come.

The level of speech here is the mean power of what is heard, its pauses left out. Knows signals
alone. Shape legend: C channels, N samples.
"""

from __future__ import annotations

import math

import torch

from genloom.sound.joining import Joiner
from genloom.sound.wave import Sound

BLOCK = 0.02  # seconds
QUIET = 25.0  # decibels below the loudest block: no speech
MOST = 12.0  # decibels that a piece is turned up or down
CEILING = 0.98  # of full scale


def level(sound: Sound) -> float:
    """Decibels of the mean power of those blocks that are heard; -inf of silence."""
    size = max(1, round(BLOCK * sound.rate))
    x = sound.mono()
    power = torch.nn.functional.pad(x.square(), (0, -len(x) % size)).view(-1, size).mean(1)
    if not len(power) or float(power.max()) <= 0:
        return -math.inf
    heard = power[power > power.max() * 10 ** (-QUIET / 10)]
    return 10 * math.log10(float(heard.mean()))


def evened(sound: Sound, wanted: float) -> Sound:
    """At this level, in decibels, as far as MOST and full scale allow."""
    own = level(sound)
    if math.isinf(own) or math.isinf(wanted):
        return sound
    gain = 10 ** (max(-MOST, min(MOST, wanted - own)) / 20)
    peak = float(sound.samples.abs().max())
    return Sound(
        sound.samples * min(gain, max(1.0, CEILING / peak) if gain > 1 else gain), sound.rate
    )


class EvenJoiner:
    """Joins pieces as they come, each at the first one's level. seconds: of what was given out and
    is held back."""

    def __init__(self) -> None:
        self._joiner: Joiner | None = None
        self._level = -math.inf

    @property
    def seconds(self) -> float:
        return 0.0 if self._joiner is None else self._joiner.seconds

    def push(self, sound: Sound, pause: float) -> tuple[Sound, float]:
        """(what comes next of the whole, the second at which this piece begins in it)."""
        if math.isinf(self._level):
            self._level = level(sound)
        even = evened(sound, self._level)
        self._joiner = self._joiner or Joiner(sound.rate)
        return self._joiner.push(even, pause)

    def end(self) -> Sound | None:
        """What was held back, None where nothing was pushed."""
        return None if self._joiner is None else self._joiner.end()
