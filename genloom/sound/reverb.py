"""A room around a sound: convolution with an impulse response that is made, not recorded.

Few early reflections, then noise that dies away, high tones faster than low ones (Moorer 1979),
another one for each ear. Knows signals alone.
Shape legend: C channels, N samples, M samples of a response.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genloom.errors import RequestError
from genloom.sound.wave import Sound

BANDS = ((0.0, 350.0, 1.1), (350.0, 1500.0, 1.0), (1500.0, 5000.0, 0.75), (5000.0, 2e4, 0.4))
EARLY = (0.011, 0.017, 0.023, 0.031, 0.041)  # seconds
SEED = 20


@dataclass(frozen=True, kw_only=True)
class Room:
    """share: of the sound that comes from the room, 0 to 1; sixty: seconds until it is 60 dB down;
    before: seconds until it answers."""

    share: float = 0.15
    sixty: float = 1.4
    before: float = 0.012

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and 0.05 <= self.sixty <= 20 and 0 <= self.before <= 1):
            raise RequestError(
                f"a room with a share of {self.share}, {self.sixty} s to -60 dB and {self.before} "
                "s before: 0 to 1, 0.05 to 20 and 0 to 1 are expected"
            )


def reverberated(sound: Sound, room: Room) -> Sound:
    """In stereo, as long as before and the room's answer."""
    dry = sound.samples
    dry = dry.expand(2, -1) if len(dry) == 1 else dry[:2]
    if not room.share or not dry.shape[1]:
        return Sound(dry.contiguous(), sound.rate)
    answer = response(room, sound.rate)
    wet = convolved(dry.mean(0, keepdim=True), answer)
    out = room.share * wet
    out[:, : dry.shape[1]] += (1 - room.share) * dry
    return Sound(out, sound.rate)


def response(room: Room, rate: int) -> Tensor:
    """float32 [2, M], of energy 1 an ear; the same every time."""
    size = round(1.1 * room.sixty * rate)
    rng = torch.Generator().manual_seed(SEED)
    noise = torch.fft.rfft(torch.randn(2, size, generator=rng))
    hertz = torch.fft.rfftfreq(size, 1 / rate)
    seconds = torch.arange(size) / rate
    out = torch.zeros(2, size)
    for low, high, share in BANDS:
        band = ((hertz >= max(low, 30.0)) & (hertz < high)).float()
        part = torch.fft.irfft(noise * band, size)
        out += part * torch.exp(-6.9078 * seconds / (room.sixty * share))
    for number, at in enumerate(EARLY):
        place = min(size - 1, round(at * rate))
        out[number % 2, place] += float(out.abs().max()) * 4 * 0.75**number
    out = out * (seconds / 0.004).clamp(max=1)
    out = out / out.square().sum(1, keepdim=True).sqrt()
    return F.pad(out, (round(room.before * rate), 0))


def convolved(x: Tensor, response: Tensor) -> Tensor:
    """x [1 or C, N] with responses [C, M] -> [C, N + M - 1], a block at a time (overlap-add)."""
    count, long = x.shape[1], response.shape[1]
    size = 1 << (2 * long - 1).bit_length()
    step = size - long + 1
    blocks = -(-count // step)
    cut = F.pad(x, (0, blocks * step - count)).unflatten(1, (blocks, step))
    made = torch.fft.irfft(
        torch.fft.rfft(cut, size) * torch.fft.rfft(response, size)[:, None], size
    )
    out = made.new_zeros(len(made), blocks * step + long - 1)
    for number in range(blocks):
        out[:, number * step : number * step + size] += made[:, number]
    return out[:, : count + long - 1]


def convolved_plainly(x: Tensor, response: Tensor) -> Tensor:
    """The same, sample by sample of the response: the slow, obvious version."""
    wide = x.expand(len(response), -1)
    out = x.new_zeros(len(response), x.shape[1] + response.shape[1] - 1)
    for at in range(response.shape[1]):
        out[:, at : at + x.shape[1]] += response[:, at : at + 1] * wide
    return out
