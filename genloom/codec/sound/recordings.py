"""Recordings: where they lie, what is said or heard in them, and by whom; opened when needed.

Captions and voices come from tables (also those of LJ Speech: id|text|normalised), side-car texts,
folders, or names such as word_voice_number.wav. Leaves out what is broken or silent and says why.
Knows sounds and files, no tensor of a model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Reading
from genloom.codec.shelves import Entry, Shelf, captioned, content, shelf_of
from genloom.codec.sound.files import SUFFIXES, read_sound
from genloom.errors import DataError, MissingExtra
from genloom.sound.wave import Sound

R = TypeVar("R")
THREADS = 4
VOICE_KEYS = ("voice", "speaker", "speaker_id", "singer")
PARTS = re.compile(r"(?P<said>[^_/]+)_(?P<voice>[^_/]*[a-zA-Z][^_/]*)_\d+$")
QUIETEST = 1e-4  # of full scale: a recording that never gets louder is silence
CLIPPED = 0.01  # share of samples at full scale from which a recording counts as clipped


@dataclass(frozen=True, eq=False)
class Recording:
    """A sound that is opened when it is needed.

    source: a path, a member of an archive, the bytes of a file, or a Sound. caption: what is said
    or heard; voice: who says it; seconds: how long it is, where that is known.
    """

    source: Any
    caption: str | None = None
    voice: str | None = None
    name: str = ""
    credit: str = ""
    seconds: float | None = None

    def open(self) -> Sound:
        """DataError where it is broken."""
        source, name = self.source, self.name or "the recording"
        if isinstance(source, Sound):
            return source
        return read_sound(content(source, name), name)


def as_recording(item: Any, rate: int | None = None) -> Recording:
    """Recordings as they are; a path, the bytes of a file, a Sound, or samples [N] or [C, N] at
    `rate` wrapped. DataError for anything else."""
    if isinstance(item, Recording):
        return item
    if isinstance(item, str | Path):
        return Recording(Path(item), name=str(item))
    if isinstance(item, Sound | bytes):
        return Recording(item)
    if isinstance(item, np.ndarray | Tensor) and rate is not None:
        samples = torch.as_tensor(item, dtype=torch.float32)
        return Recording(Sound(samples[None] if samples.dim() == 1 else samples, rate))
    raise DataError(f"a recording was expected, not {type(item).__name__}: give a sound file")


def each(work: Callable[[Recording], R], recordings: Sequence[Recording]) -> list[R]:
    """In order, on a few threads: decoding lets go of the interpreter's lock."""
    if len(recordings) < 2 * THREADS:
        return [work(one) for one in recordings]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, recordings))


def is_recording(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


# --- collections ----------------------------------------------------------------------------------


def read_recordings(path: Path) -> Reading:
    """Every recording under a file, a folder or an archive. DataError when there is none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: give a folder, a .zip or a file of recordings")
    shelf = shelf_of(path, is_recording)
    entries, skipped, notes = _entries(shelf)
    found = [_recording(one) for one in entries]
    if not any(one.caption for one in found):
        found, notes = _told_by_names(found, notes)
    looks = each(_look, found)
    skipped |= {one.name: why for one, (_, why, _) in zip(found, looks, strict=True) if why}
    good = [
        replace(one, seconds=seconds)
        for one, (seconds, why, _) in zip(found, looks, strict=True)
        if not why
    ]
    if not good:
        raise DataError(_nothing(path, shelf, skipped))
    clipped = sum(flag for _, why, flag in looks if not why)
    if clipped:
        notes = (*notes, f"{clipped} of {len(good)} recordings are clipped: record them lower")
    if any(one.caption for one in good) and (bare := sum(not one.caption for one in good)):
        notes = (*notes, f"{bare} of {len(good)} recordings have no caption")
    credits = tuple(sorted({one.credit for one in good if one.credit}))
    used = [one.source for one in good if isinstance(one.source, Path)]
    return Reading(
        items=good, files=(*shelf.files, *used), skipped=skipped, notes=notes, credits=credits
    )


def _entries(shelf: Shelf) -> tuple[list[Entry], dict[str, str], tuple[str, ...]]:
    found = _piped(shelf)
    return captioned(shelf, is_recording) if found is None else found


def _piped(shelf: Shelf) -> tuple[list[Entry], dict[str, str], tuple[str, ...]] | None:
    """By a metadata.csv of id|text or id|text|normalised, as LJ Speech has it; None where there is
    none."""
    table = next((n for n in shelf.sources if PurePosixPath(n).name == "metadata.csv"), None)
    lines = [] if table is None else [x for x in shelf.text(table).splitlines() if x.strip()]
    if table is None or not lines or not all("|" in line for line in lines[:20]):
        return None
    by_stem = {PurePosixPath(n).stem: n for n in shelf.sources if is_recording(n)}
    entries, skipped = [], {}
    for number, line in enumerate(lines, 1):
        stem, *texts = line.split("|")
        name = by_stem.get(PurePosixPath(stem).stem)
        if name is None:
            skipped[stem] = f"{table} line {number} names it, but there is no such recording"
        else:
            entries.append(Entry(shelf.sources[name], name, texts[-1].strip() if texts else None))
    return entries, skipped, (f"captions from {table}",)


def _recording(entry: Entry) -> Recording:
    voice = next((str(entry.row[key]) for key in VOICE_KEYS if entry.row.get(key)), None)
    return Recording(entry.source, entry.caption, voice, entry.name, entry.credit)


def _told_by_names(
    found: list[Recording], notes: tuple[str, ...]
) -> tuple[list[Recording], tuple[str, ...]]:
    """word_voice_number.wav, where all are called so."""
    parts = [PARTS.match(PurePosixPath(one.name).stem) for one in found]
    if not found or not all(parts):
        return found, notes
    told = [
        replace(one, caption=part["said"], voice=part["voice"])
        for one, part in zip(found, parts, strict=True)
        if part is not None
    ]
    return told, ("captions and voices from names such as word_voice_number",)


def _look(recording: Recording) -> tuple[float, str, bool]:
    """(seconds, why it is left out or "", whether it is clipped)."""
    try:
        sound = recording.open()
    except MissingExtra:
        raise
    except DataError as error:
        return 0.0, str(error).removeprefix(f"{recording.name}: "), False
    top = float(sound.samples.abs().max()) if sound.samples.numel() else 0.0
    if top < QUIETEST or not math.isfinite(top):
        return sound.seconds, "silence", False
    full = float((sound.samples.abs() >= 0.999).float().mean())
    return sound.seconds, "", full > CLIPPED


def _nothing(path: Path, shelf: Shelf, skipped: dict[str, str]) -> str:
    tried = [f"{name} ({why})" for name, why in list(skipped.items())[:3]]
    if not tried:
        seen = sorted(shelf.sources)[:3]
        tried = [f"{name} (no sound's suffix)" for name in seen] or ["it is empty"]
    return f"{path} holds no usable recording: tried {', '.join(tried)}; use WAV, FLAC, OGG or MP3"


def called(items: Iterable[Any], caption: str) -> list[Recording]:
    """The recordings; those without a caption get this one."""
    made = [as_recording(item) for item in items]
    return [one if one.caption else replace(one, caption=caption) for one in made]
