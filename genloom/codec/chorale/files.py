"""Chorales in files: JSON as research sets hold them. Knows no ids and no notation.

A piece is a list of frames, each [soprano, alto, tenor, bass] in sixteenths, -1 for a rest. Where a
file has pieces under "train", what lies beside it ("valid", "test") is left out. Frames without an
order of voices ([48, 64, 67, 72] or fewer, from below) count as quarters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.base import Reading
from genloom.codec.chorale.item import BAR, MOST_FRAMES, QUARTER, SILENT, VOICES, Chorale
from genloom.codec.file_walk import Unreadable, content, files_at, suffix_of
from genloom.codec.left_out import LeftOut
from genloom.errors import DataError
from genloom.music.keys import parse_key

JSON = ".json"
Opened = Callable[[str, bytes], list[Chorale]]  # (name, bytes) -> pieces; DataError


def read_chorales(path: Path, others: Mapping[str, Opened], split: str = "train") -> Reading:
    """Every chorale in a file or a folder; others: a suffix -> what opens such files. DataError
    where there is none."""
    found: list[Chorale] = []
    files: list[Path] = []
    left, notes = LeftOut(), []
    ways: dict[str, Opened] = {JSON: lambda name, data: pieces_in(data, name, split, notes)}
    for place, name in files_at(Path(path)):
        way = {**others, **ways}.get(suffix_of(name))
        if way is None:
            continue
        try:
            made = way(name, content(place))
        except (Unreadable, DataError) as error:
            left.add(name, str(error))
            continue
        found += made
        files.append(Path(place))
    if not found:
        told = f": {left.told()}" if left.total else ""
        ends = ", ".join(sorted({JSON, *others}))
        raise DataError(f"{path} holds no chorales{told}; give files of four voices ({ends})")
    return Reading(
        items=found,
        files=tuple(files),
        skipped=left.named,
        notes=(*notes, *left.notes()),
        reasons=left.reasons,
    )


def pieces_in(data: bytes, name: str, split: str, notes: list[str]) -> list[Chorale]:
    """The pieces of a JSON file. DataError where it holds something else."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"no JSON ({error})") from error
    if isinstance(values, dict) and "voices" in values:
        return [_told(values)]
    if isinstance(values, dict):
        if not isinstance(values.get(split), list):
            raise DataError(f"an object without a list {split!r} or 'voices'")
        beside = sorted(set(values) - {split})
        if beside:
            notes.append(f"{name}: {', '.join(map(str, beside))} left out, {split!r} is read")
        values = values[split]
    if not isinstance(values, list) or not values:
        raise DataError("no list of pieces")
    if _is_piece(values):
        return [piece(values)]
    return [piece(one) for one in values]


def _told(values: Mapping[str, Any]) -> Chorale:
    """What `as_json` wrote."""
    made = piece(values["voices"])
    key, upbeat = values.get("key"), values.get("upbeat", 0)
    if not isinstance(upbeat, int) or not 0 <= upbeat < BAR:
        raise DataError(f"an upbeat of {upbeat!r}: 0 to {BAR - 1} frames are expected")
    return Chorale(
        made.voices,
        title=str(values.get("title", "")),
        told=parse_key(str(key)) if key else None,
        upbeat=upbeat,
    )


def as_json(chorale: Chorale) -> bytes:
    values = {
        "title": chorale.title,
        "key": str(chorale.key),
        "upbeat": chorale.upbeat,
        "voices": chorale.voices.tolist(),
    }
    return json.dumps(values).encode()


def _is_piece(values: Sequence[Any]) -> bool:
    """A list of frames, and not a list of these."""
    first = values[0]
    return isinstance(first, list) and not any(isinstance(x, list) for x in first)


def piece(frames: Any) -> Chorale:
    """Of frames as a file holds them. DataError where they are none."""
    if not isinstance(frames, list) or not 1 <= len(frames) <= MOST_FRAMES:
        raise DataError(f"a piece that is no list of 1 to {MOST_FRAMES:,} frames")
    for at, frame in enumerate(frames):
        good = isinstance(frame, list) and len(frame) <= len(VOICES)
        if not good or not all(type(p) is int and SILENT <= p <= 127 for p in frame):
            raise DataError(f"frame {at} is {str(frame)[:40]}: up to 4 pitches are expected")
    if all(len(frame) == len(VOICES) for frame in frames) and not _rises(frames):
        voices, upbeat = np.array(frames, np.int16), len(frames) % BAR
        return Chorale(voices, upbeat=upbeat if upbeat == QUARTER else 0)
    return Chorale(_voiced(frames).repeat(QUARTER, 0))


def _rises(frames: Sequence[Sequence[int]]) -> bool:
    """Whether pitches stand from below in every frame, as in sets without voices."""
    return all(list(f) == sorted(f) for f in frames) and any(f[0] < f[-1] for f in frames)


def _voiced(frames: Sequence[Sequence[int]]) -> np.ndarray:
    """int16 [T, V]: chords given to the voices from above; where there are fewer pitches than
    voices, those that come nearest to the voices' last ones sound twice."""
    out = np.full((len(frames), len(VOICES)), SILENT, np.int16)
    last: list[int] | None = None
    for at, frame in enumerate(frames):
        pitches = sorted(set(frame), reverse=True)
        if not pitches:
            continue
        while len(pitches) < len(VOICES):
            pitches = min(_doubled(pitches), key=lambda p: _moved(p, last))
        out[at] = last = pitches
    return out


def _doubled(pitches: list[int]) -> list[list[int]]:
    """Every way in which one of them sounds twice."""
    return [[*pitches[: n + 1], *pitches[n:]] for n in range(len(pitches))]


def _moved(pitches: list[int], last: list[int] | None) -> int:
    return sum(abs(a - b) for a, b in zip(pitches, last or pitches, strict=False))
