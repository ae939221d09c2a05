"""A struck string, as in a piano: stiff, so that partials are sharp; two strings a note, so that it
falls fast and then slowly.

Partials of a stiff string: f_k = k f_0 sqrt(1 + B k^2) (Fletcher 1964); what the hammer excites
depends on where and how hard it strikes; the two stages come from strings that are a little apart
(Weinreich 1977). Knows notes; no score.
Shape legend: B notes, P partials, N samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genloom.music.synthesis.modes import partials, ring
from genloom.music.synthesis.notes import A4, Notes, attacked, released

MOST = 40  # partials
UNDAMPED = 90  # from this pitch on strings of a piano have no dampers


@dataclass(frozen=True, kw_only=True)
class Struck:
    """stiffness: B at A4, which doubles every `stiffer` semitones; decay: seconds to 1/e of A4's
    first partial, falling by the factor `falling` an octave; damping: how much faster high partials
    fall; position: of the hammer; hardness: partials that a full blow excites; after: share of the
    slow stage, which lasts `longer` times; apart: cents between the two strings."""

    stiffness: float = 4e-4
    stiffer: float = 8.0
    decay: float = 0.9
    falling: float = 0.68
    damping: float = 0.28
    position: float = 0.12
    hardness: float = 7.0
    after: float = 0.22
    longer: float = 4.0
    apart: float = 0.5
    attack: float = 0.002
    release: float = 0.25
    gain: float = 1.0

    def play(self, notes: Notes, samples: int, rate: int) -> Tensor:
        """float32 [B, N]."""
        order = torch.arange(1, MOST + 1).double()[None, :]
        frequency = self._stretched(notes, order)
        decay = self._decays(notes, order)
        strength = self._struck(notes, order, frequency)
        turn = 0.15 * notes.noise(MOST)
        cents = 2.0 ** (self.apart / 2400 * turn.sign())
        frequency = torch.cat((frequency / cents, frequency * cents), 1)
        decay = torch.cat((decay, decay * self.longer), 1)
        strength = torch.cat(((1 - self.after) * strength, self.after * strength), 1)
        phase = torch.cat((turn, turn), 1)
        sound = ring(*partials(frequency, decay, strength, phase, rate), samples)
        sound = attacked(sound, self.attack, rate)
        damped = torch.from_numpy(notes.pitch) < UNDAMPED
        release = torch.where(damped, self.release, 4 * self.release)
        return released(sound, torch.from_numpy(notes.length), release, rate)

    def _stretched(self, notes: Notes, order: Tensor) -> Tensor:
        """Hz [B, P]; the first partial is in tune."""
        above = torch.from_numpy(notes.pitch - A4)[:, None]
        b = (self.stiffness * 2.0 ** (above / self.stiffer)).clamp(max=0.02)
        return notes.frequency[:, None] * order * ((1 + b * order**2) / (1 + b)).sqrt()

    def _decays(self, notes: Notes, order: Tensor) -> Tensor:
        """Seconds [B, P]."""
        octaves = torch.from_numpy((notes.pitch - A4) / 12)[:, None]
        first = self.decay * self.falling**octaves
        return first / (1 + self.damping * (order - 1))

    def _struck(self, notes: Notes, order: Tensor, frequency: Tensor) -> Tensor:
        """Amplitudes [B, P]: nodes at the hammer, a softer felt at less force."""
        octaves = torch.from_numpy((notes.pitch - A4) / 12)[:, None]
        reach = self.hardness * (0.3 + 0.7 * notes.force)[:, None] * 0.75**octaves
        comb = torch.sin(torch.pi * self.position * order).abs() + 0.05
        rows = comb * torch.exp(-(order - 1) / reach.clamp(min=0.5))
        return (
            self.gain * notes.loudness[:, None] * rows / rows.square().sum(1, keepdim=True).sqrt()
        )
