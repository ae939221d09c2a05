"""Another rate for the same sound: a windowed sinc, its phases computed once (Smith 2002).

Output sample n is the sum over input samples k of x[k] h(n / new - k / old), where h is a sinc that
lets through what both rates can hold, under a Kaiser window. The phases of h repeat after new / gcd
output samples, so that the whole is one strided convolution. `resample_slowly` is the sum itself.
Shape legend: C channels, N samples, P phases, K taps.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from genloom.sound.wave import Sound

CROSSINGS = 24  # zeros of the sinc on each side
ROLLOFF = 0.945  # of the lower rate's half: from here on the filter falls
BETA = 12.0  # of the Kaiser window: what lies beyond is 118 dB down
PIECE = 1 << 22  # output samples times taps at a time


def resampled(sound: Sound, rate: int) -> Sound:
    """The sound at another rate, of ceil(N rate / old) samples."""
    if rate == sound.rate:
        return sound
    return Sound(resample(sound.samples, sound.rate, rate), rate)


def resample(x: Tensor, old: int, new: int) -> Tensor:
    """float [..., N] at `old` samples a second -> float [..., ceil(N new / old)] at `new`."""
    if old == new or x.shape[-1] == 0:
        return x
    shared = math.gcd(old, new)
    step, phases = old // shared, new // shared
    taps, before = _taps(step, phases)
    count = -(-x.shape[-1] * new // old)
    rows = x.reshape(-1, 1, x.shape[-1]).float()
    padded = F.pad(rows, (before, taps.shape[-1] + step))
    made = F.conv1d(padded, taps.to(x.device), stride=step)  # [R, P, blocks]
    out = made.transpose(1, 2).reshape(len(rows), -1)[:, :count]
    return out.reshape(*x.shape[:-1], count)


@cache
def _taps(step: int, phases: int) -> tuple[Tensor, int]:
    """float32 [P, 1, K], the filter of each phase, and how many samples it reaches back. The phase
    p of a block lies p * step / phases input samples behind the block's first."""
    cut, reach = _reach(step, phases)
    before = math.ceil(reach)
    places = torch.arange(-before, math.ceil(reach) + step + 1, dtype=torch.float64)
    at = torch.arange(phases, dtype=torch.float64)[:, None] * step / phases
    return _filter(at - places, cut, reach).float()[:, None], before


def _reach(step: int, phases: int) -> tuple[float, float]:
    """The cut-off, as a share of the old rate's half, and how far the filter reaches, in samples
    of the old rate."""
    cut = ROLLOFF * min(1.0, phases / step)
    return cut, CROSSINGS / cut


def _filter(distance: Tensor, cut: float, reach: float) -> Tensor:
    """h at these distances in samples of the old rate."""
    part = (distance / reach).clamp(-1, 1)
    window = torch.special.i0(BETA * (1 - part.square()).clamp(min=0).sqrt())
    window = window / torch.special.i0(torch.tensor(BETA, dtype=torch.float64))
    return cut * torch.sinc(cut * distance) * window * (distance.abs() <= reach)


def resample_slowly(x: Tensor, old: int, new: int) -> Tensor:
    """The same, written out: [N] -> [ceil(N new / old)], a sum for every output sample."""
    shared = math.gcd(old, new)
    step, phases = old // shared, new // shared
    cut, reach = _reach(step, phases)
    at = torch.arange(-(-x.shape[-1] * new // old), dtype=torch.float64) * step / phases
    distance = at[:, None] - torch.arange(x.shape[-1], dtype=torch.float64)
    return (_filter(distance, cut, reach) @ x.double()).float()
