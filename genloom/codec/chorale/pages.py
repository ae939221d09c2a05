"""Chorales as files that people open: scores and pictures. Knows suffixes; no ids.

Shape legend: T frames, V = 4 voices.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.chorale.files import JSON, Opened, as_json, pieces_in
from genloom.codec.chorale.item import BAR, Chorale, of_score
from genloom.codec.image.pictures import pillow
from genloom.codec.music.scores import READERS, WRITTEN, kind_of, write_score
from genloom.codec.saving import write_atomic
from genloom.errors import DataError, RequestError
from genloom.music.repeats import played

SHOWN = 6
ACROSS, UP, GAP = 6, 4, 10  # pixels of a frame, of a semitone, between pieces
COLOURS = ((178, 58, 46), (196, 138, 28), (62, 122, 74), (38, 66, 120))
PAPER, LINE, BARLINE = (250, 247, 240), (232, 226, 214), (200, 192, 176)


def opened() -> dict[str, Opened]:
    """Scores of every notation, beside JSON."""
    return {suffix: _pieces(suffix) for suffix in READERS}


def _pieces(suffix: str) -> Opened:
    def open_(name: str, data: bytes) -> list[Chorale]:
        found = []
        for place, score in READERS[suffix](data, name):
            if isinstance(score, DataError):
                raise DataError(f"{place}: {score}" if len(place) > len(name) else str(score))
            found.append(of_score(played(score)))
        return found

    return open_


def given_pieces(data: bytes) -> list[Chorale]:
    """Of the bytes of a file without a name. DataError where they are no piece."""
    if data.lstrip()[:1] in (b"{", b"["):
        return pieces_in(data, "the file", "train", [])
    return opened()[kind_of(data)]("the file", data)


def written(item: Chorale, path: Path, record: Mapping[str, Any] | None) -> bool:
    """By the suffix. True where the record went into the file."""
    if path.suffix.lower() == JSON:
        write_atomic(path, as_json(item))
        return False
    if path.suffix.lower() not in WRITTEN:
        raise RequestError(f"{path.name}: chorales are written as {', '.join((JSON, *WRITTEN))}")
    return write_score(item.score(), path, record)


def preview(items: Sequence[Chorale], path: Path) -> Path:
    """Piano rolls of the first pieces, a voice a colour, bars by lines."""
    rolls = [_roll(piece) for piece in items[:SHOWN]]
    width = max(roll.shape[1] for roll in rolls)
    height = sum(len(roll) + GAP for roll in rolls)
    page = np.full((height, width, 3), PAPER, np.uint8)
    top = 0
    for roll in rolls:
        page[top : top + len(roll), : roll.shape[1]] = roll
        top += len(roll) + GAP
    file = io.BytesIO()
    pillow().fromarray(page).save(file, "PNG")
    return write_atomic(path, file.getvalue())


def _roll(piece: Chorale) -> np.ndarray:
    """uint8 [H, W, 3]."""
    sung = piece.voices[piece.voices >= 0]
    low, high = (int(sung.min()) - 2, int(sung.max()) + 2) if len(sung) else (58, 62)
    page = np.full(((high - low + 1) * UP, len(piece) * ACROSS, 3), PAPER, np.uint8)
    for pitch in range(low, high + 1):
        if pitch % 12 in (1, 3, 6, 8, 10):
            page[(high - pitch) * UP : (high - pitch + 1) * UP] = LINE
    page[:, piece.upbeat * ACROSS :: BAR * ACROSS] = BARLINE
    for voice in range(piece.voices.shape[1] - 1, -1, -1):
        for start, size, pitch in piece.held(voice):
            top, left = (high - pitch) * UP, start * ACROSS
            page[top : top + UP, left + 1 : left + size * ACROSS - 1] = COLOURS[voice]
    return page
