"""A score as sound: every note played by its part's instrument, placed, in a room, at a loudness.

The same score and seed make the same samples. Knows scores and instruments; no file.
Shape legend: B notes, N samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from genloom.errors import DataError, RequestError
from genloom.music.repeats import played
from genloom.music.score import Part, Score
from genloom.music.synthesis.drums import drum
from genloom.music.synthesis.instruments import Instrument, instrument, name_of
from genloom.music.synthesis.modes import TOGETHER
from genloom.music.synthesis.notes import Notes
from genloom.sound.loudness import levelled, limited
from genloom.sound.reverb import Room, reverberated
from genloom.sound.wave import RATES, Sound

T = TypeVar("T")
MOST_SECONDS = 3_600.0
SHORTEST = 0.03  # seconds of a note, in which it can rise and fall without a click
GRACE = 0.07  # seconds of a grace note
WIDTH = 0.6  # how far apart the outer parts stand, of hard left to hard right
PEAK = -1.0  # dBTP


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """rate: samples a second. instruments: by a part's number or name, in place of its programme.
    pans: likewise, -1 left to 1 right. gains: likewise, decibels. loudness: LUFS, None for as it
    comes out (peaks limited). seed: of what differs from note to note."""

    rate: int = 44_100
    instruments: Mapping[int | str, str] = field(default_factory=dict)
    pans: Mapping[int | str, float] = field(default_factory=dict)
    gains: Mapping[int | str, float] = field(default_factory=dict)
    room: Room = field(default_factory=Room)
    loudness: float | None = -16.0
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = RATES
        if not low <= self.rate <= high:
            raise RequestError(f"a rate of {self.rate} Hz: {low} to {high} Hz are expected")


USUAL = Rendering()


def render(score: Score, how: Rendering = USUAL) -> Sound:
    """Stereo. DataError where there is nothing to play, or over an hour."""
    score = played(score)
    if score.seconds > MOST_SECONDS:
        raise DataError(f"a score of {score.seconds:,.0f} s: {MOST_SECONDS:,.0f} s at most")
    if not score.notes:
        raise DataError("the score has no notes: there is nothing to play")
    dry = torch.zeros(2, round((score.seconds + 1.0) * how.rate))
    for number, part in enumerate(score.parts):
        if part.notes:
            line = _line(score, part, number, how, dry.shape[1])
            dry += _placed(line, _pan(score, number, how), _of(how.gains, number, part, 0.0))
    sound = reverberated(Sound(dry, how.rate), how.room)
    if how.loudness is None:
        return limited(sound, PEAK)
    return levelled(sound, how.loudness, PEAK)


def _of(given: Mapping[int | str, T], number: int, part: Part, usual: T) -> T:
    return given.get(number, given.get(part.name, usual))


def _pan(score: Score, number: int, how: Rendering) -> float:
    """Parts stand evenly from left to right; a single one in the middle."""
    count = len(score.parts)
    usual = 0.0 if count == 1 else WIDTH * (2 * number / (count - 1) - 1)
    return _of(how.pans, number, score.parts[number], usual)


def _placed(line: Tensor, pan: float, gain: float) -> Tensor:
    """[2, N] of [N], at equal power."""
    angle = torch.tensor((min(max(pan, -1.0), 1.0) + 1) * torch.pi / 4)
    sides = torch.stack((angle.cos(), angle.sin())) * 10 ** (gain / 20)
    return sides[:, None] * line


# --- notes ----------------------------------------------------------------------------------------


def notes_of(score: Score, part: Part, seed: int) -> Notes:
    """What a part plays, in seconds; grace notes stand before their note."""
    sounding = part.sounding()
    begins = score.clock(note.onset for note in sounding)
    ends = score.clock(note.end for note in sounding)
    rows = [
        (begin, max(end - begin, SHORTEST), note.pitch, note.velocity)
        for note, begin, end in zip(sounding, begins, ends, strict=True)
    ]
    graced = [note for note in part.notes if note.grace]
    for note, begin in zip(graced, score.clock(note.onset for note in graced), strict=True):
        first = begin - GRACE * len(note.grace)
        rows += [
            (max(0.0, first + GRACE * n), GRACE, pitch, 0.8 * note.velocity)
            for n, pitch in enumerate(note.grace)
        ]
    onset, length, pitch, velocity = np.array(sorted(rows), float).T
    rng = np.random.default_rng(seed)
    return Notes(
        onset=onset,
        length=length,
        pitch=pitch,
        velocity=np.clip(velocity / 127 + 0.01 * rng.standard_normal(len(onset)), 0.02, 1.0),
        seed=rng.integers(0, 1 << 40, len(onset)),
    )


def _line(score: Score, part: Part, number: int, how: Rendering, samples: int) -> Tensor:
    """float32 [N]: one part, dry."""
    notes = notes_of(score, part, how.seed + 1_000_003 * number)
    out = torch.zeros(samples)
    if part.drums:
        for pitch in np.unique(notes.pitch).tolist():
            hit = drum(int(pitch))
            some = notes.select(notes.pitch == pitch)
            _sound(out, hit, some, np.full(len(some), hit.release), how.rate)
        return out
    name = _of(how.instruments, number, part, name_of(part.instrument))
    voice = instrument(name)
    _sound(out, voice, notes, notes.length + voice.release, how.rate)
    return out


def _sound(out: Tensor, voice: Instrument, notes: Notes, lasts: np.ndarray, rate: int) -> None:
    """Add these notes, those of about one length together."""
    for some, samples in batches(lasts, rate):
        batch = notes.select(some)
        made = voice.play(batch, samples, rate)
        starts = np.round(batch.onset * rate).astype(int).tolist()
        sizes = np.ceil(lasts[some] * rate).astype(int).tolist()
        for row, start, size in zip(made, starts, sizes, strict=True):
            stop = min(start + size, len(out))
            out[start:stop] += row[: stop - start]


def batches(lasts: Sequence[float] | np.ndarray, rate: int) -> Iterator[tuple[np.ndarray, int]]:
    """(which notes, samples): from short to long, so many that they fit into memory."""
    order = np.argsort(lasts, kind="stable")
    sizes = np.ceil(np.asarray(lasts)[order] * rate).astype(int)
    first = 0
    while first < len(order):
        last = first + 1
        while last < len(order) and (last - first + 1) * sizes[last] <= TOGETHER:
            if sizes[last] > 1.5 * sizes[first] + rate // 10:
                break
            last += 1
        yield order[first:last], int(sizes[last - 1])
        first = last
