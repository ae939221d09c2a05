"""How loud a sound is heard to be, and how high it really peaks: ITU-R BS.1770-5, EBU R 128.

Loudness in LUFS: energy behind two filters (a head, then a high pass), channels added, blocks of
400 ms, those below an absolute and a relative gate left out. True peak in dBTP: of the sound at
four times its rate. Knows signals alone.
Shape legend: C channels, N samples.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from genloom.sound.resampling import resample
from genloom.sound.wave import Sound

BROADCAST, PEAK = -23.0, -1.0  # LUFS and dBTP (EBU R 128); speech online is usually at -16
ABSOLUTE, RELATIVE = -70.0, -10.0  # gates, LUFS and LU below what is loud
BLOCK, STEP = 0.4, 0.1  # seconds
OVER = 4  # times the rate at which peaks are looked for
LOOK = 0.005  # seconds that the limiter looks ahead
ROUNDS, NEAR, MOST = 3, 0.1, 6.0  # of levelling: rounds, LU that are near enough, LU of more gain


def loudness(sound: Sound) -> float:
    """Integrated loudness in LUFS; -inf of silence, and of less than 400 ms."""
    energy = block_energies(sound)
    return _level(_gated(energy)) if len(energy) else -math.inf


def block_energies(sound: Sound) -> Tensor:
    """float64 [blocks]: energy of each block of 400 ms, channels weighted and added."""
    size, step = round(BLOCK * sound.rate), round(STEP * sound.rate)
    if sound.samples.shape[-1] < size:
        return torch.zeros(0, dtype=torch.float64)
    weighted = _filtered(sound.samples, sound.rate).double()
    power = weighted.square().unfold(-1, size, step).mean(-1)  # [C, blocks]
    return (power * _channel_weights(len(power))[:, None]).sum(0)


def _channel_weights(count: int) -> Tensor:
    """Surround channels count 1.41 times, the low-frequency one not at all (5 and 6 channels)."""
    usual = {5: [1, 1, 1, 1.41, 1.41], 6: [1, 1, 1, 0, 1.41, 1.41]}.get(count, [1.0] * count)
    return torch.tensor(usual, dtype=torch.float64)


def _gated(energy: Tensor) -> Tensor:
    loud = energy[energy > _energy(ABSOLUTE)]
    if not len(loud):
        return loud
    return loud[loud > _energy(_level(loud) + RELATIVE)]


def _level(energy: Tensor) -> float:
    mean = float(energy.mean()) if len(energy) else 0.0
    return -0.691 + 10 * math.log10(mean) if mean > 0 else -math.inf


def _energy(level: float) -> float:
    return float(10 ** ((level + 0.691) / 10))


# --- the two filters (BS.1770-5, tables 1 and 2, for any rate) ------------------------------------


def _filtered(x: Tensor, rate: int) -> Tensor:
    """float [C, N] behind the two filters, in frequency: their gains and phases. Piece by piece,
    each with a second before it, after which the filters have forgotten what came earlier."""
    tail = rate
    size = 1 << (4 * rate - 1).bit_length()
    step, count = size - tail, x.shape[-1]
    pieces = -(-count // step)
    wide = F.pad(x, (tail, pieces * step - count)).unfold(-1, size, step)  # [C, pieces, size]
    made = torch.fft.irfft(torch.fft.rfft(wide) * _gain(rate, size), size)[..., tail:]
    return made.flatten(1)[:, :count]


@cache
def _gain(rate: int, size: int) -> Tensor:
    """complex64 [size / 2 + 1]."""
    turn = torch.fft.rfftfreq(size, dtype=torch.float64) * 2 * torch.pi
    z = torch.polar(torch.ones_like(turn), -turn)
    gain = torch.ones_like(z)
    for b, a in (_head(rate), _high_pass(rate)):
        gain = gain * (b[0] + b[1] * z + b[2] * z * z) / (a[0] + a[1] * z + a[2] * z * z)
    return gain.to(torch.complex64)


Biquad = tuple[tuple[float, float, float], tuple[float, float, float]]


def _head(rate: int) -> Biquad:
    """A shelf of 4 dB above 1.7 kHz."""
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    b0, b2 = high + band * k / q + k * k, high - band * k / q + k * k
    return (b0 / a0, 2 * (k * k - high) / a0, b2 / a0), (
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    )


def _high_pass(rate: int) -> Biquad:
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)


# --- peaks and levelling --------------------------------------------------------------------------


def true_peak(sound: Sound) -> float:
    """dBTP; -inf of silence."""
    if not sound.samples.numel():
        return -math.inf
    top = float(resample(sound.samples, sound.rate, OVER * sound.rate).abs().max())
    return 20 * math.log10(top) if top > 0 else -math.inf


def levelled(sound: Sound, loud: float = BROADCAST, peak: float = PEAK) -> Sound:
    """The sound at this loudness, with no true peak above `peak`: louder ones are turned down for
    a moment. Silence stays as it is."""
    own = loudness(sound)
    if own == -math.inf:
        return sound
    gain, highs = loud - own, _highs(sound)
    made = _turned_down(sound, highs, gain, peak)
    for _ in range(ROUNDS):  # what is turned down is less loud
        lacks = loud - loudness(made)
        if abs(lacks) < NEAR or gain + lacks - (loud - own) > MOST:
            break
        gain += lacks
        made = _turned_down(sound, highs, gain, peak)
    return made


def limited(sound: Sound, peak: float = PEAK) -> Sound:
    """No true peak above `peak` dBTP: the gain goes down before a peak and slowly up behind it, the
    same for all channels."""
    return _turned_down(sound, _highs(sound), 0.0, peak) if sound.samples.numel() else sound


def _highs(sound: Sound) -> Tensor:
    """float [N]: the highest that the sound gets around each sample, in any channel."""
    over = resample(sound.samples, sound.rate, OVER * sound.rate).abs().amax(0)
    count = sound.samples.shape[-1]
    over = F.pad(over, (0, max(0, OVER * count - len(over))))[: OVER * count]
    return over.view(count, OVER).amax(1)


def _turned_down(sound: Sound, highs: Tensor, decibels: float, peak: float) -> Sound:
    """The sound so many decibels louder, and turned down where its `highs` then are too high."""
    ceiling, level = 10 ** (peak / 20) * 0.995, 10 ** (decibels / 20)
    high, count = highs * level, sound.samples.shape[-1]
    if float(high.max()) <= ceiling:
        return Sound(sound.samples * level, sound.rate) if decibels else sound
    wanted = (ceiling / high.clamp(min=1e-12)).clamp(max=1)
    reach = max(1, round(LOOK * sound.rate))
    held = -_highest(-wanted, 2 * reach)
    window = torch.hann_window(2 * reach + 1, periodic=False)
    around = F.pad(held[None, None], (reach, reach), mode="replicate") if count > reach else None
    if around is None:
        gain = held.min().expand(count)
    else:
        gain = F.conv1d(around, (window / window.sum())[None, None])[0, 0]
    return Sound(sound.samples * (gain * level), sound.rate)


def _highest(x: Tensor, reach: int) -> Tensor:
    """float [N]: the highest of each sample and `reach` neighbours on both sides, by doubling."""
    size, now = 2 * reach + 1, 1
    high = F.pad(x, (reach, reach), value=-math.inf)
    while now < size:
        step = min(now, size - now)
        high = torch.maximum(high[:-step], high[step:])
        now += step
    return high
