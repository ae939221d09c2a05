"""The music under and between what is said: from a file, or by a model of music.

Knows sounds and models that play what they make; not who speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom import api
from genloom.codec.sound.files import SUFFIXES, read_sound
from genloom.data.source import file_sha256
from genloom.errors import UsageError
from genloom.make.kept import Kept, Part
from genloom.sound.joining import joined, trimmed
from genloom.sound.loudness import levelled
from genloom.sound.wave import Sound

MOST = 4  # pieces that a model makes; longer music repeats them
LOOP = 2.0  # seconds of the crossfade between two pieces
LOUD = -20.0  # LUFS


@dataclass(frozen=True, kw_only=True)
class Music:
    """pieces: one after another they are the bed, again from the first where it is to be longer.
    records: one a piece, or of the file that was given."""

    pieces: tuple[Sound, ...]
    records: tuple[Mapping[str, Any], ...]

    def bed(self, seconds: float) -> Sound:
        """So many seconds, at LOUD."""
        pieces = list(self.pieces)
        while _length(pieces) < seconds:
            pieces += self.pieces
        whole = joined(pieces, fade=LOOP)
        cut = Sound(whole.samples[:, : round(seconds * whole.rate)], whole.rate)
        return levelled(cut, LOUD)


def _length(pieces: list[Sound]) -> float:
    return sum(one.seconds for one in pieces) - LOOP * (len(pieces) - 1)


def music(
    source: str, prompt: str, seconds: float, seed: int, kept: Kept, device: str = "auto"
) -> Music:
    """By a sound file's path, or the name or path of a model. UsageError where neither sounds."""
    path = Path(source).expanduser()
    if path.suffix.lower() in SUFFIXES:
        return _of_file(path)
    model = api.load(source, device)
    parts: list[Part] = []
    while len(parts) < MOST and _length([part.sound for part in parts]) < seconds:
        parts.append(_piece(model, source, prompt, seed + len(parts), kept))
    sounds = tuple(_enough(part.sound) for part in parts)
    return Music(pieces=sounds, records=tuple(part.record for part in parts))


def _of_file(path: Path) -> Music:
    try:
        sound = read_sound(path.read_bytes(), str(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give a sound file or a model") from None
    record = {"file": path.name, "sha256": file_sha256(path), "seconds": round(sound.seconds, 3)}
    return Music(pieces=(_enough(sound),), records=(record,))


def _enough(sound: Sound) -> Sound:
    """Without silence around; at least three times as long as a crossfade."""
    heard = trimmed(sound)
    if not heard.samples.shape[1]:
        raise UsageError("the music is silent: give another file, or another seed")
    while heard.seconds < 3 * LOOP:
        heard = joined([heard, heard], fade=min(LOOP, heard.seconds / 3))
    return heard


def _piece(model: api.Model, name: str, prompt: str, seed: int, kept: Kept) -> Part:
    request = api.request_of(prompt or None, 1, seed, None, 0, None, {})
    record = api.record(model, request)
    found = kept.find(record)
    if found is not None:
        return found
    item = api.exact(model, request)[0]
    try:
        return kept.keep(model.codec, item, record)
    except UsageError as error:
        raise UsageError(f"{name} makes nothing that is heard ({error}): name another") from None
