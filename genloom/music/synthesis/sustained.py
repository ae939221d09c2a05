"""Tones that are held: flutes, reeds, brass, bowed strings, organ pipes, voices.

A period of the tone lies in a table of harmonics, a soft one and a bright one; a phase that vibrato
moves reads it, breath blends the two, and noise in the band of the tone comes beside. Knows notes;
no score.
Shape legend: B notes, H harmonics, W places of a table, N samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genloom.music.synthesis.notes import Notes, attacked, released

TABLE = 2048
MOST = 48  # harmonics


@dataclass(frozen=True, kw_only=True)
class Sustained:
    """harmonics: amplitudes of the first ones; beyond them each octave falls by `slope` dB. bright:
    how much less it falls where the tone is loud. vibrato: cents, at `speed` Hz, beginning after
    `late` seconds. breath: noise, as a share of the tone; chiff: more of it at the beginning."""

    harmonics: tuple[float, ...] = (1.0,)
    slope: float = 12.0
    bright: float = 6.0
    attack: float = 0.05
    release: float = 0.12
    vibrato: float = 0.0
    speed: float = 5.2
    late: float = 0.25
    breath: float = 0.0
    chiff: float = 0.0
    swell: float = 0.0
    gain: float = 1.0

    def play(self, notes: Notes, samples: int, rate: int) -> Tensor:
        """float32 [B, N]."""
        seconds = (torch.arange(samples) / rate)[None, :]
        phase, loud = self._moved(notes, seconds, rate)
        soft, hard = (self._tables(notes.frequency, s, rate) for s in (0.0, 1.0))
        sound = read(soft, hard, phase, loud)
        if self.breath:
            sound = sound + self._noise(notes, sound, seconds, rate)
        if self.swell:
            sound = sound * (1 - self.swell * torch.exp(-seconds / 0.3))
        sound = sound * (self.gain * notes.loudness.float()[:, None])
        sound = attacked(sound, self.attack, rate)
        length = torch.from_numpy(notes.length)
        return released(sound, length, torch.full_like(length, self.release), rate)

    def _moved(self, notes: Notes, seconds: Tensor, rate: int) -> tuple[Tensor, Tensor]:
        """(phase within [0, 1), brightness 0 to 1), float32 [B, N] each, as vibrato moves them."""
        n = torch.arange(seconds.shape[1], dtype=torch.float64)
        cycle, force = (notes.frequency / rate)[:, None], notes.force.float()[:, None]
        if not self.vibrato:
            return _share(cycle * n), force
        turn = torch.from_numpy(np.modf(notes.seed * 0.618034)[0]).float()[:, None]
        wave = torch.sin(2 * torch.pi * (self.speed * seconds + turn))
        wave *= ((seconds - self.late) / 0.4).clamp(0, 1)
        late = torch.cumsum(wave, 1) * (self.vibrato / 1200 * np.log(2))
        return _share(cycle * (n + late)), (force * (1 + 0.15 * wave)).clamp_(0, 1)

    def _tables(self, frequency: Tensor, loud: float, rate: int) -> Tensor:
        """float32 [B, W]: one period each, of harmonics below what the rate can hold."""
        order = torch.arange(1, MOST + 1).double()
        given = torch.tensor(self.harmonics).double()
        size = len(given)
        fall = self.slope - self.bright * loud
        rest = given[-1] * (order / size) ** (-fall / 6.0206)
        rest[:size] = given * order[:size] ** (-self.bright * (0.5 - loud) / 6.0206)
        there = order[None, :] * frequency[:, None] < 0.42 * rate
        weight = torch.where(there, rest, 0.0)
        weight = weight / weight.square().sum(1, keepdim=True).sqrt().clamp(min=1e-9)
        spread = 2.39996 * order * (order - 1)  # phases that keep the peak low
        place = torch.arange(TABLE) / TABLE
        basis = torch.sin(2 * torch.pi * order[:, None] * place + spread[:, None])
        return (weight @ basis).float()

    def _noise(self, notes: Notes, sound: Tensor, seconds: Tensor, rate: int) -> Tensor:
        """Noise around the tone and above it, shaped in the frequency domain."""
        size = 1 << (sound.shape[1] - 1).bit_length()
        raw = torch.fft.rfft(notes.noise(size).float())
        hertz = torch.fft.rfftfreq(size, 1 / rate)[None, :]
        centre = notes.frequency.float()[:, None]
        octaves = torch.log2((hertz + 1.0) / centre)
        band = torch.exp(-0.5 * (octaves / 1.4) ** 2) * (hertz > 80) * (hertz < 0.42 * rate)
        made = torch.fft.irfft(raw * band, size)[:, : sound.shape[1]]
        made = made / made.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)
        return 0.7 * made * (self.breath + self.chiff * torch.exp(-seconds / 0.04))


def _share(turns: Tensor) -> Tensor:
    """The part of a turn, float32 within [0, 1)."""
    return turns.frac_().float().clamp_(0, 1 - 1e-7)


def read(soft: Tensor, hard: Tensor, phase: Tensor, loud: Tensor) -> Tensor:
    """Tables [B, W], blended by `loud` [B, 1 or N], at phases [B, N] within [0, 1), by straight
    lines between places."""
    at = phase * TABLE
    low = at.long()
    rest = at - low
    wide = torch.stack([torch.cat((t, t[:, :1]), 1) for t in (soft, hard)])
    a, b = (torch.lerp(t.gather(1, low), t.gather(1, low + 1), rest) for t in wide)
    return torch.lerp(a, b, loud)
