"""Several sounds as one: where each begins, how loud and from where it is heard, and a bed that
goes down while somebody speaks.

Knows signals alone. Shape legend: C channels, N samples, K blocks of 10 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genloom.errors import DataError, RequestError
from genloom.sound.joining import faded
from genloom.sound.resampling import resample
from genloom.sound.wave import Sound

BLOCK = 0.01  # seconds
LONGEST = 6 * 3_600.0  # seconds of a mix


@dataclass(frozen=True, kw_only=True)
class Ducking:
    """How a bed makes room for a voice. by: decibels that it goes down; threshold: decibels below
    the voice's own loudness above which it counts as speaking; down, up: seconds that the bed
    takes; hold: seconds of silence that are no reason to come up again."""

    by: float = 12.0
    threshold: float = 20.0
    down: float = 0.15
    up: float = 0.8
    hold: float = 0.4


@dataclass(frozen=True, kw_only=True)
class Track:
    """sound; at: seconds at which it begins; gain: decibels; pan: -1 left to 1 right; begin, end:
    seconds of its fades; under: it goes down under the tracks that are `over`."""

    sound: Sound
    at: float = 0.0
    gain: float = 0.0
    pan: float = 0.0
    begin: float = 0.0
    end: float = 0.0
    over: bool = False
    under: Ducking | None = None

    def __post_init__(self) -> None:
        if self.at < 0 or not -1 <= self.pan <= 1 or min(self.begin, self.end) < 0:
            raise RequestError(
                f"a track at {self.at} s, panned {self.pan}, fades of {self.begin} and {self.end} "
                "s: a beginning and fades of 0 or more and a pan from -1 to 1 are expected"
            )


def mixed(tracks: Sequence[Track], rate: int | None = None) -> Sound:
    """Stereo, at the rate given or the highest of the tracks. Nothing is made louder or softer than
    asked: see `loudness.levelled`. DataError for no tracks, or a mix that is too long."""
    if not tracks:
        raise DataError("no tracks to mix: give at least one")
    rate = rate or max(track.sound.rate for track in tracks)
    laid = [_laid(track, rate) for track in tracks]
    starts = [round(track.at * rate) for track in tracks]
    size = max(start + one.shape[1] for start, one in zip(starts, laid, strict=True))
    if size > LONGEST * rate:
        raise DataError(f"a mix of {size / rate:,.0f} s: {LONGEST:,.0f} s at most")
    voice = torch.zeros(size)
    for track, start, one in zip(tracks, starts, laid, strict=True):
        if track.over:
            voice[start : start + one.shape[1]] += one.mean(0)
    out = torch.zeros(2, size)
    for track, start, one in zip(tracks, starts, laid, strict=True):
        stop = start + one.shape[1]
        if track.under is not None:
            one = one * room_for(voice[start:stop], rate, track.under)
        out[:, start:stop] += one
    return Sound(out, rate)


def _laid(track: Track, rate: int) -> Tensor:
    """float32 [2, N]: at the rate, with its gain, pan and fades. A stereo sound keeps its sides and
    is turned down on one of them; a mono one is placed at equal power."""
    samples = track.sound.samples
    if track.sound.rate != rate:
        samples = resample(samples, track.sound.rate, rate)
    samples = faded(samples, round(track.begin * rate), round(track.end * rate))
    if len(samples) == 1:
        angle = (track.pan + 1) * math.pi / 4
        sides = (math.cos(angle), math.sin(angle))
    else:
        samples = samples[:2]
        sides = (min(1.0, 1 - track.pan), min(1.0, 1 + track.pan))
    level = 10 ** (track.gain / 20)
    return samples * (level * torch.tensor(sides))[:, None]


def ducked(bed: Sound, voice: Sound, how: Ducking | None = None) -> Sound:
    """The bed, turned down while the voice speaks; both from the beginning and at one rate."""
    if bed.rate != voice.rate:
        raise DataError(f"a bed of {bed.rate} and a voice of {voice.rate} Hz: resample one of them")
    count = bed.samples.shape[1]
    spoken = F.pad(voice.mono()[:count], (0, max(0, count - voice.samples.shape[1])))
    return Sound(bed.samples * room_for(spoken, bed.rate, how or Ducking()), bed.rate)


def room_for(voice: Tensor, rate: int, how: Ducking) -> Tensor:
    """float32 [N]: the gain of a bed under a voice [N], which knows a little before when somebody
    begins: it is down when the first word comes."""
    count, size = len(voice), max(1, round(BLOCK * rate))
    if not count:
        return torch.ones(0)
    blocks = F.pad(voice, (0, -count % size)).view(-1, size)
    aim = torch.where(_speaking(blocks, how), -how.by, 0.0)
    early = round(how.down / BLOCK)
    aim = -F.max_pool1d(F.pad(-aim, (0, early))[None, None], early + 1, 1)[0, 0]
    decibels = _followed(aim, how)
    points = torch.cat((decibels[:1], decibels, decibels[-1:]))[None, None]
    smooth = F.interpolate(points, scale_factor=size, mode="linear", align_corners=False)
    return 10 ** (smooth[0, 0, size : size + count] / 20)


def _speaking(blocks: Tensor, how: Ducking) -> Tensor:
    """bool [K]."""
    power = blocks.square().mean(1)
    if float(power.max()) <= 0:
        return torch.zeros(len(blocks), dtype=torch.bool)
    usual = power[power > power.max() * 1e-4].mean()
    loud = (power > usual * 10 ** (-how.threshold / 10)).float()
    hold = round(how.hold / BLOCK)
    return F.max_pool1d(F.pad(loud, (hold, 0))[None, None], hold + 1, 1)[0, 0] > 0


def _followed(aim: Tensor, how: Ducking) -> Tensor:
    """float32 [K]: at most so many decibels a block, down and up."""
    down, up = (how.by * BLOCK / max(t, BLOCK) for t in (how.down, how.up))
    now, out = 0.0, []
    for value in aim.tolist():
        now = max(value, now - down) if value < now else min(value, now + up)
        out.append(now)
    return torch.tensor(out)
