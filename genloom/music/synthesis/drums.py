"""Drums: a falling sine, membranes, bands of noise. One sound for each General MIDI drum.

Knows notes; no score.
Shape legend: B notes, N samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genloom.music.synthesis.notes import Notes, attacked


@dataclass(frozen=True, kw_only=True)
class Drum:
    """A tone that falls from `high` to `low` Hz within about `fall` seconds and lasts `tone_decay`
    (to 1/e); noise between `floor` and `ceiling` Hz that lasts `noise_decay`; each with its
    strength. metal: partials of no harmony in the noise's place, as of cymbals."""

    high: float = 0.0
    low: float = 0.0
    fall: float = 0.03
    tone: float = 0.0
    tone_decay: float = 0.15
    noise: float = 0.0
    noise_decay: float = 0.1
    floor: float = 200.0
    ceiling: float = 8000.0
    metal: float = 0.0
    gain: float = 1.0

    def play(self, notes: Notes, samples: int, rate: int) -> Tensor:
        """float32 [B, N]."""
        seconds = torch.arange(samples).double() / rate
        made = torch.zeros(len(notes), samples)
        if self.tone:
            made = made + self.tone * self._tone(seconds).float()
        if self.noise:
            made = made + self.noise * self._noise(notes, seconds, rate)
        made = made * (self.gain * notes.loudness.float()[:, None])
        made = attacked(made, 0.0008, rate)
        tail = ((samples / rate - seconds) / 0.01).clamp(0, 1).float()
        return made * tail

    def _tone(self, seconds: Tensor) -> Tensor:
        """A sine whose frequency falls exponentially: its phase is the integral."""
        sweep = (self.high - self.low) * self.fall * (1 - torch.exp(-seconds / self.fall))
        phase = 2 * torch.pi * (self.low * seconds + sweep)
        return torch.sin(phase) * torch.exp(-seconds / self.tone_decay)

    def _noise(self, notes: Notes, seconds: Tensor, rate: int) -> Tensor:
        size = len(seconds)
        hertz = torch.fft.rfftfreq(size, 1 / rate)
        top = min(self.ceiling, 0.42 * rate)
        slopes = 1 / (1 + (self.floor / (hertz + 1)) ** 6) / (1 + (hertz / top) ** 12)
        made = torch.fft.irfft(torch.fft.rfft(notes.noise(size).float()) * slopes, size)
        if self.metal:
            ring = sum(torch.sin(2 * torch.pi * f * seconds + f) for f in METAL if f < top)
            made = made + self.metal * torch.as_tensor(ring).float()
        made = made / made.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)
        return 0.3 * made * torch.exp(-seconds / self.noise_decay).float()

    @property
    def release(self) -> float:
        """Seconds until it is 60 dB down."""
        return 6.9 * max(
            self.tone_decay if self.tone else 0.0, self.noise_decay if self.noise else 0.0
        )


METAL = (2_050.0, 3_010.0, 3_710.0, 4_410.0, 5_190.0, 6_280.0, 7_430.0, 8_390.0)  # Hz
KICK = Drum(high=160, low=48, fall=0.035, tone=1.0, tone_decay=0.16, noise=0.1, noise_decay=0.008)
SNARE = Drum(
    high=260, low=180, fall=0.02, tone=0.5, tone_decay=0.09, noise=1.2, noise_decay=0.11, floor=700
)
STICK = Drum(high=1700, low=1650, tone=0.5, tone_decay=0.012, noise=0.6, noise_decay=0.012)
CLAP = Drum(noise=1.3, noise_decay=0.07, floor=900, ceiling=5000)
HAT = Drum(noise=0.5, noise_decay=0.035, floor=6000, ceiling=16000, metal=0.3)
OPEN_HAT = Drum(noise=0.5, noise_decay=0.22, floor=6000, ceiling=16000, metal=0.3)
CRASH = Drum(noise=0.7, noise_decay=0.7, floor=3000, ceiling=16000, metal=0.2)
RIDE = Drum(noise=0.35, noise_decay=0.45, floor=4500, ceiling=14000, metal=0.6)
BELL = Drum(high=845, low=843, tone=0.6, tone_decay=0.07, noise=0.15, noise_decay=0.05)


def tom(hertz: float) -> Drum:
    return Drum(
        high=1.6 * hertz, low=hertz, fall=0.05, tone=1.0, tone_decay=0.22, noise=0.15,
        noise_decay=0.02,
    )  # fmt: skip


# General MIDI drum -> sound; others are the nearest in number
DRUMS: dict[int, Drum] = {
    35: KICK, 36: KICK, 37: STICK, 38: SNARE, 39: CLAP, 40: SNARE, 41: tom(82), 42: HAT,
    43: tom(98), 44: HAT, 45: tom(120), 46: OPEN_HAT, 47: tom(145), 48: tom(175), 49: CRASH,
    50: tom(205), 51: RIDE, 52: CRASH, 53: RIDE, 54: HAT, 55: CRASH, 56: BELL, 57: CRASH,
    59: RIDE, 70: HAT, 75: STICK, 76: STICK, 77: STICK,
}  # fmt: skip


def drum(pitch: int) -> Drum:
    return DRUMS[min(DRUMS, key=lambda known: (abs(known - pitch), known))]
