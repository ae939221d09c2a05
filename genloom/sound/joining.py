"""Sounds one after another and without what is silent: pauses, crossfades, trimmed ends.

Knows signals alone. Shape legend: C channels, N samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genloom.errors import DataError
from genloom.sound.wave import Sound

FADE = 0.01  # seconds of the crossfade between two sounds
QUIET = -50.0  # decibels below the loudest 10 ms: here a sound has not begun, or is over
MARGIN = 0.02  # seconds kept around what is heard
BLOCK = 0.01  # seconds


def joined(sounds: Sequence[Sound], pauses: Sequence[float] = (), fade: float = FADE) -> Sound:
    """One after another, pauses[n] seconds of silence behind sound n; where there is none, the end
    of one fades into the beginning of the next at equal power."""
    if not sounds:
        raise DataError("no sounds to join: give at least one")
    rate, channels = sounds[0].rate, max(len(sound.samples) for sound in sounds)
    if any(sound.rate != rate for sound in sounds):
        raise DataError("the sounds to join have several rates: resample them to one first")
    made = _wide(sounds[0].samples, channels)
    for number, sound in enumerate(sounds[1:]):
        pause = pauses[number] if number < len(pauses) else 0.0
        made = _behind(
            made, _wide(sound.samples, channels), round(pause * rate), round(fade * rate)
        )
    if len(pauses) >= len(sounds):
        made = torch.cat((made, made.new_zeros(channels, round(pauses[-1] * rate))), 1)
    return Sound(made, rate)


class Joiner:
    """The same as `joined`, of sounds of one channel as they come: what a crossfade may still
    change is held back until the next one is known."""

    def __init__(self, rate: int, fade: float = FADE) -> None:
        self.rate, self.fade = rate, round(fade * rate)
        self._held: Tensor | None = None
        self._given, self._pause = 0, 0

    @property
    def seconds(self) -> float:
        """Of all that came, pauses behind the last one left out."""
        return (self._given + (0 if self._held is None else self._held.shape[1])) / self.rate

    def push(self, sound: Sound, pause: float = 0.0) -> tuple[Sound, float]:
        """(what comes next of the whole, the second at which this sound begins in it)."""
        if sound.rate != self.rate:
            raise DataError("the sounds to join have several rates: resample them to one first")
        x, before = sound.samples, self._held
        whole = x if before is None else _behind(before, x, self._pause, self.fade)
        begin = (self._given + whole.shape[1] - x.shape[1]) / self.rate
        self._pause = round(pause * self.rate)
        ready = max(0, whole.shape[1] - self.fade)
        self._held = whole[:, ready:]
        self._given += ready
        return Sound(whole[:, :ready], self.rate), begin

    def end(self) -> Sound:
        """What was held back, and the last pause."""
        held = torch.zeros(1, 0) if self._held is None else self._held
        self._held = None
        self._given += held.shape[1]
        return Sound(torch.cat((held, held.new_zeros(len(held), self._pause)), 1), self.rate)


def _wide(x: Tensor, channels: int) -> Tensor:
    return x if len(x) == channels else x.mean(0, keepdim=True).expand(channels, -1)


def _behind(a: Tensor, b: Tensor, pause: int, fade: int) -> Tensor:
    if pause:
        a, b = faded(a, end=fade), faded(b, begin=fade)
        return torch.cat((a, a.new_zeros(len(a), pause), b), 1)
    over = min(fade, a.shape[1], b.shape[1])
    if not over:
        return torch.cat((a, b), 1)
    down, up = _curve(over).flip(0), _curve(over)
    mixed = a[:, -over:] * down + b[:, :over] * up
    return torch.cat((a[:, :-over], mixed, b[:, over:]), 1)


def faded(x: Tensor, begin: int = 0, end: int = 0) -> Tensor:
    """With its first and last samples turned up and down slowly."""
    out = x.clone()
    begin, end = min(begin, x.shape[1]), min(end, x.shape[1])
    if begin:
        out[:, :begin] *= _curve(begin)
    if end:
        out[:, -end:] *= _curve(end).flip(0)
    return out


def _curve(size: int) -> Tensor:
    """From 0 to 1; its square and that of its mirror image add up to 1."""
    return torch.sin((torch.arange(size) + 0.5) / size * torch.pi / 2)


def trimmed(sound: Sound, quiet: float = QUIET, margin: float = MARGIN) -> Sound:
    """Without the silence before and behind what is heard; of silence alone, nothing is left."""
    begin, end = heard(sound, quiet, margin)
    return Sound(sound.samples[:, begin:end], sound.rate)


def heard(sound: Sound, quiet: float = QUIET, margin: float = MARGIN) -> tuple[int, int]:
    """The samples (first, behind the last) within which something is heard."""
    size = max(1, round(BLOCK * sound.rate))
    count = sound.samples.shape[1]
    power = (
        torch.nn.functional.pad(sound.mono().square(), (0, -count % size)).view(-1, size).mean(1)
    )
    if not len(power) or float(power.max()) <= 0:
        return 0, 0
    loud = (power > power.max() * 10 ** (quiet / 10)).nonzero()[:, 0]
    around = round(margin * sound.rate)
    begin = max(0, int(loud[0]) * size - around)
    return begin, min(count, (int(loud[-1]) + 1) * size + around)
