"""A plucked string: Karplus and Strong's loop with Jaffe and Smith's extensions (1983), as the sum
of its exact modes.

The loop y[n] = x[n] + (h * y)[n - N] has a one-zero damping filter and a first-order allpass for
the fraction of a period (Jaffe & Smith 1983, sections 3 to 5). Its transfer function X / (1 - z^-N
H) is split into partial fractions: what the recursion makes sample by sample, the modes make at
once.
Shape legend: B notes, P modes, N samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genloom.music.synthesis.modes import ring
from genloom.music.synthesis.notes import Notes, attacked, released

NEWTON = 8
DEAD = 5e-4  # seconds: what decays faster is no tone


@dataclass(frozen=True, kw_only=True)
class Plucked:
    """sustain: seconds until A4 has fallen by 60 dB; falling: how much shorter that is an octave
    higher; damping: of high partials, 0 to 0.5; position: where it is plucked, a share of its
    length; brightness: partials up to which a string struck with all force is excited evenly."""

    sustain: float = 4.0
    falling: float = 0.62
    damping: float = 0.32
    position: float = 0.17
    brightness: float = 24.0
    release: float = 0.12
    gain: float = 1.0

    def play(self, notes: Notes, samples: int, rate: int) -> Tensor:
        """float32 [B, N]."""
        loop = Loop.tuned(notes.frequency, self._sixty(notes), self.damping, rate)
        exponents, _ = loop.modes()
        order = torch.arange(1, exponents.shape[1] + 1).double()
        shape = self._struck(order, notes)
        turn = notes.noise(exponents.shape[1])
        weight = shape * torch.exp(0.25 * turn) * notes.loudness[:, None]
        alive = (-1 / exponents.real > DEAD * rate) & (exponents.imag < 0.9 * torch.pi)
        strength = -1j * torch.where(alive, weight, 0.0)  # sines: they begin at nought
        most = int(alive.sum(1).max())
        sound = ring(exponents[:, :most], self.gain * strength[:, :most], samples)
        sound = attacked(sound, 0.0015, rate)
        length = torch.from_numpy(notes.length)
        return released(sound, length, torch.full_like(length, self.release), rate)

    def _sixty(self, notes: Notes) -> Tensor:
        """Seconds to -60 dB."""
        return self.sustain * self.falling ** ((torch.from_numpy(notes.pitch) - 69) / 12)

    def _struck(self, order: Tensor, notes: Notes) -> Tensor:
        """float64 [B, P]: how much each mode is excited: a comb by the place of the pluck (section
        5.2), a slope by its force (5.3)."""
        comb = torch.sin(torch.pi * order * self.position).abs() / order
        reach = (self.brightness * (0.25 + 0.75 * notes.force))[:, None]
        return comb * torch.exp(-order / reach)


@dataclass(frozen=True)
class Loop:
    """float64 [B] each: whole samples of delay N, the loop's gain, the damping filter's share of
    the sample before, and the allpass coefficient."""

    delay: Tensor
    gain: Tensor
    damping: Tensor
    fraction: Tensor

    @classmethod
    def tuned(cls, frequency: Tensor, sixty: Tensor, damping: float, rate: int) -> Loop:
        """The loop whose first mode has this frequency, Hz, and falls by 60 dB in `sixty` s."""
        period = rate / frequency
        omega = 2 * torch.pi * frequency / rate
        share = torch.full_like(frequency, damping)
        late = torch.atan2(share * omega.sin(), 1 - share + share * omega.cos()) / omega
        whole = (period - late - 0.2).floor()
        rest = period - late - whole  # 0.2 to 1.2 samples
        fraction = torch.sin((1 - rest) * omega / 2) / torch.sin((1 + rest) * omega / 2)
        aim = 10 ** (-3 / (frequency * sixty))
        passed = ((1 - share + share * omega.cos()) ** 2 + (share * omega.sin()) ** 2).sqrt()
        return cls(whole, (aim / passed).clamp(max=0.99999), share, fraction)

    def log_filter(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """log H(e^s) and its derivative by s, [B, P]."""
        back = torch.exp(-s)
        d, c = self.damping[:, None], self.fraction[:, None]
        low = 1 - d + d * back
        over, under = c + back, 1 + c * back
        value = torch.log(self.gain[:, None] * low) + torch.log(over / under)
        slope = -d * back / low - back / over + c * back / under
        return value, slope

    def modes(self) -> tuple[Tensor, Tensor]:
        """(s, residue), complex128 [B, P]: what an impulse makes is the sum of
        2 Re(residue exp(s n)). Newton's method on N s - log H(e^s) = 2 pi i k."""
        delay = self.delay[:, None]
        most = int((self.delay.max() - 1) // 2)
        k = torch.arange(1, most + 1).double()[None, :]
        turns = 2j * torch.pi * k
        s = turns / (delay + 0.5 + self.damping[:, None]) - 1e-4
        wound = torch.zeros_like(k)
        for _ in range(NEWTON):
            value, slope = self.log_filter(s)
            wound = torch.round(((delay * s - value).imag - turns.imag) / (2 * torch.pi))
            error = delay * s - value - turns - 2j * torch.pi * wound
            s = s - error / (delay - slope)
        _, slope = self.log_filter(s)
        return s, 1 / (delay - slope)


def by_recursion(loop: Loop, excitation: np.ndarray, samples: int) -> np.ndarray:
    """float64 [N]: one string, sample after sample: the slow, obvious version. The allpass keeps
    its last output: y = c x[n] + x[n-1] - c y[n-1]."""
    delay, gain, damping, c = (
        float(x[0]) for x in (loop.delay, loop.gain, loop.damping, loop.fraction)
    )
    out = np.zeros(samples)
    size, before_low, before_all = int(delay), 0.0, 0.0
    last = 0.0
    for n in range(samples):
        back = out[n - size] if n >= size else 0.0
        low = gain * ((1 - damping) * back + damping * last)
        last = back
        passed = c * low + before_low - c * before_all
        before_low, before_all = low, passed
        out[n] = passed + (excitation[n] if n < len(excitation) else 0.0)
    return out
