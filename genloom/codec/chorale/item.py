"""A chorale: four voices on a grid of sixteenths. Knows scores; no file, id or model.

Shape legend: T frames (sixteenths), V = 4 voices from the top: soprano, alto, tenor, bass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np

from genloom.errors import DataError
from genloom.music.key_finder import find_key
from genloom.music.keys import Key
from genloom.music.score import Bar, Note, Part, Score, joined

VOICES = ("soprano", "alto", "tenor", "bass")
SILENT = -1
QUARTER, BAR = 4, 16  # frames
MOST_FRAMES = 8_192


@dataclass(frozen=True, eq=False)
class Chorale:
    """voices: int16 [T, V], MIDI pitches, SILENT where a voice rests. upbeat: frames before the
    first bar. told: the key, where it is known; else it is found from the notes. instruments,
    tempo: how it is played."""

    voices: np.ndarray
    title: str = ""
    told: Key | None = None
    upbeat: int = 0
    instruments: tuple[int, ...] = (19,) * 4  # General MIDI programmes, from 0: organs
    tempo: float = 80.0  # quarter notes a minute

    def __post_init__(self) -> None:
        held = np.asarray(self.voices, np.int16)
        if held.ndim != 2 or held.shape[1] != len(VOICES) or not 1 <= len(held) <= MOST_FRAMES:
            raise DataError(
                f"voices of the shape {held.shape}: [frames, 4] with 1 to {MOST_FRAMES:,} frames "
                "are expected"
            )
        if held.min() < SILENT or held.max() > 127:
            raise DataError(f"pitches from {held.min()} to {held.max()}: -1 to 127 are expected")
        object.__setattr__(self, "voices", held)

    def __len__(self) -> int:
        return len(self.voices)

    @cached_property
    def key(self) -> Key:
        return self.told or key_of(self.voices)

    def transposed(self, semitones: int) -> Chorale:
        moved = np.where(self.voices == SILENT, SILENT, self.voices + semitones)
        return replace(self, voices=moved, told=self.key.up(semitones))

    def part(self, start: int, frames: int) -> Chorale:
        """So many frames from the start-th on, in the key of the whole."""
        upbeat = (self.upbeat - start) % BAR
        return replace(
            self, voices=self.voices[start : start + frames], told=self.key, upbeat=upbeat
        )

    def held(self, voice: int) -> Iterator[tuple[int, int, int]]:
        """(first frame, frames, pitch) of a voice's notes; a pitch that goes on is one note."""
        pitches = self.voices[:, voice]
        edges = np.flatnonzero(np.diff(pitches)) + 1
        bounds = [0, *edges.tolist(), len(pitches)]
        for start, stop in pairwise(bounds):
            if pitches[start] != SILENT:
                yield start, stop - start, int(pitches[start])

    def score(self) -> Score:
        """Four parts for an organ, in bars of four quarters."""
        parts = [
            Part(
                notes=tuple(
                    Note(Fraction(start, QUARTER), Fraction(size, QUARTER), pitch)
                    for start, size, pitch in self.held(voice)
                ),
                name=name.capitalize(),
                instrument=programme,
            )
            for (voice, name), programme in zip(enumerate(VOICES), self.instruments, strict=True)
        ]
        return Score(
            title=self.title,
            kind="chorale",
            key=self.key,
            tempo=self.tempo,
            unit=Fraction(1, 4),
            parts=tuple(parts),
            bars=tuple(self._bars()),
        )

    def _bars(self) -> Iterator[Bar]:
        starts = [0] if self.upbeat else []
        starts += [*range(self.upbeat, len(self), BAR)]
        for start, stop in zip(starts, [*starts[1:], len(self)], strict=True):
            yield Bar(Fraction(start, QUARTER), Fraction(stop - start, QUARTER))


def key_of(voices: np.ndarray) -> Key:
    """By the notes, and the bass on which they end."""
    pitches, counts = np.unique(voices[voices != SILENT], return_counts=True)
    bass = voices[:, -1][voices[:, -1] != SILENT]
    last = int(bass[-1]) if len(bass) else None
    return find_key(zip(pitches.tolist(), counts.tolist(), strict=True), last)


def of_score(score: Score) -> Chorale:
    """A score of one to four parts, laid on the grid. One part alone is the soprano; of two and
    three the names say which. DataError where there are more, or none."""
    parts = [part for part in score.parts if part.notes and not part.drums]
    places = _places(parts)
    frames = max(1, round(max((float(part.notes[-1].end) for part in parts), default=0) * QUARTER))
    frames = max(frames, round(float(score.end) * QUARTER))
    if frames > MOST_FRAMES:
        raise DataError(f"a score of {frames:,} sixteenths: {MOST_FRAMES:,} at most")
    voices = np.full((frames, len(VOICES)), SILENT, np.int16)
    for part, voice in zip(parts, places, strict=True):
        for note in joined(part.notes):
            start, stop = round(float(note.onset) * QUARTER), round(float(note.end) * QUARTER)
            voices[start : max(stop, start + 1), voice] = note.pitch
    first = score.bars[0].length if score.bars else Fraction(0)
    upbeat = round(float(first) * QUARTER) % BAR
    return Chorale(voices, title=score.title, upbeat=upbeat)


def _places(parts: list[Part]) -> list[int]:
    if len(parts) == 1:
        return [_named(parts[0]) or 0]
    if len(parts) == len(VOICES):
        return list(range(len(VOICES)))
    names = [_named(part) for part in parts]
    known = [name for name in names if name is not None]
    if len(set(known)) != len(parts) or not parts:
        raise DataError(
            f"a score of {len(parts)} parts with notes: four are expected, the highest first, a "
            "melody alone, or parts that are named soprano, alto, tenor and bass"
        )
    return known


def _named(part: Part) -> int | None:
    words = part.name.lower()
    return next((n for n, name in enumerate(VOICES) if name in words), None)
