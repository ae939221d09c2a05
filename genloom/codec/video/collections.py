"""Collections of clips on disk: folders and zip archives of films, arrays in .npz, with captions.

Leaves out what is broken and says why. Knows names and headers; what a clip's frames are is the
business of clips.py.
Shape legend: N clips, T frames, H rows, W columns, C channels.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from genloom.codec.base import Reading
from genloom.codec.shelves import TEXT_KEYS, Shelf, captioned, shelf_of
from genloom.codec.video.clips import USUAL, Clip, is_clip
from genloom.codec.video.frames import Frames
from genloom.errors import DataError, MissingExtra

ARRAYS = ".npz"
NAMES = ("frames", "clips", "videos", "video")  # of the array within
RATE_NAMES = ("rate", "fps")
LARGEST = 4 << 30  # bytes of an array when unpacked
LONG = 60.0  # seconds from which a note says that a clip is cut into pieces


def read_clips(path: Path) -> Reading:
    """Every clip under a file, a folder or an archive. DataError where there is none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: give a folder, a .zip, a .npz or a film")
    if path.is_file() and path.suffix.lower() == ARRAYS:
        return _arrays([path])
    sets = [] if path.is_file() else sorted(path.glob(f"*{ARRAYS}"))
    shelf = shelf_of(path, is_clip)
    entries, skipped, notes = captioned(shelf, is_clip)
    if sets and not entries:
        return _arrays(sets)
    found = [Clip(one.source, one.caption, one.name, one.credit) for one in entries]
    good, broken, long = _sound(found)
    skipped = {**skipped, **broken}
    if not good:
        raise DataError(_nothing(path, shelf, skipped))
    if any(one.caption for one in good) and (bare := sum(not one.caption for one in good)):
        notes = (*notes, f"{bare} of {len(good)} clips have no caption")
    if long:
        notes = (*notes, f"{long} of {len(good)} clips are longer than {LONG:g} s: pieces of them")
    credits = tuple(sorted({one.credit for one in good if one.credit}))
    used = tuple(one.source for one in good if isinstance(one.source, Path))
    return Reading(
        items=good, files=(*shelf.files, *used), skipped=skipped, notes=notes, credits=credits
    )


def _sound(clips: Sequence[Clip]) -> tuple[list[Clip], dict[str, str], int]:
    """Clips of which the first frames are decoded, why others are not, and how many are long."""
    good, broken, long = [], {}, 0
    for clip in clips:
        try:
            clip.frames(USUAL, 2)
            seconds = clip.seconds()
        except MissingExtra:
            raise
        except DataError as error:
            broken[clip.name] = str(error).removeprefix(f"{clip.called}: ")
            continue
        good.append(clip)
        long += seconds is not None and seconds > LONG
    return good, broken, long


def _nothing(path: Path, shelf: Shelf, skipped: Mapping[str, str]) -> str:
    tried = [f"{name} ({why})" for name, why in list(skipped.items())[:3]]
    if not tried:
        seen = sorted(shelf.sources)[:3]
        tried = [f"{name} (no film's suffix)" for name in seen] or ["it is empty"]
    return f"{path} holds no usable clip: tried {', '.join(tried)}; use MP4, WebM, GIF or .npz"


# --- arrays ---------------------------------------------------------------------------------------


def _arrays(paths: Sequence[Path]) -> Reading:
    items, files, notes = [], [], []
    for path in paths:
        arrays = _unpacked(path)
        frames, rate = _frames(arrays, path), _rate(arrays)
        table = path.with_suffix(".jsonl")
        captions = _captions(table, len(frames), path) if table.is_file() else None
        files += [path] if captions is None else [path, table]
        notes.append(f"no captions: {table.name} would hold them" if captions is None else "")
        for number, pixels in enumerate(frames):
            caption = None if captions is None else captions[number]
            clip = Clip(Frames(pixels, rate), caption, f"{path.name}[{number}]")
            items.append(clip)
    return Reading(items=items, files=tuple(files), notes=tuple(filter(None, notes)))


def _unpacked(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name, read without anything that could run. DataError where one is broken."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.filename.endswith(".npy"):
                    continue
                with archive.open(info) as file:
                    found[info.filename.removesuffix(".npy")] = _array(file, path)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        why = " ".join(str(error).split())[:120]
        raise DataError(f"{path} is no sound .npz file ({why}): make it again") from None
    return found


def _array(file: Any, path: Path) -> np.ndarray:
    version = npy.read_magic(file)
    head = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, kind = head(file)
    size = int(np.prod(shape, dtype=np.float64)) * kind.itemsize
    if kind.hasobject or fortran or size > LARGEST:
        raise DataError(f"{path}: an array of {shape} {kind} is none of frames: uint8 is expected")
    data = file.read(size + 1)
    if len(data) != size:
        raise DataError(f"{path} is cut short: {len(data):,} bytes for an array of {shape}")
    return np.frombuffer(data, kind).reshape(shape)


def _frames(arrays: Mapping[str, np.ndarray], path: Path) -> np.ndarray:
    """uint8 [N, T, H, W, C]."""
    named = next((name for name in NAMES if name in arrays), None)
    some = arrays[named] if named else next((a for a in arrays.values() if a.ndim >= 4), None)
    if some is None or some.dtype != np.uint8 or not some.size or some.ndim not in (4, 5):
        told = ", ".join(f"{name} {a.dtype} {a.shape}" for name, a in arrays.items()) or "nothing"
        raise DataError(
            f"{path} holds {told[:200]}: an array 'frames' of uint8 [N, T, H, W] or "
            "[N, T, H, W, 3] is expected"
        )
    if some.ndim == 5 and some.shape[4] not in (1, 3):
        raise DataError(f"{path} holds frames of {some.shape[4]} channels: 1 or 3 are expected")
    return some[..., None] if some.ndim == 4 else some


def _rate(arrays: Mapping[str, np.ndarray]) -> float:
    told = next((arrays[name] for name in RATE_NAMES if name in arrays), None)
    return USUAL if told is None or told.size != 1 else float(told.reshape(-1)[0])


def _captions(table: Path, count: int, path: Path) -> list[str]:
    """One a clip, in order, or by "index". DataError where there are others."""
    found: dict[int, str] = {}
    try:
        rows = [json.loads(line) for line in table.read_text("utf-8").split("\n") if line.strip()]
        for number, row in enumerate(rows):
            caption = next((row[key] for key in TEXT_KEYS if key in row), "")
            found[int(row.get("index", number))] = " ".join(str(caption).split())
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{table} cannot be read ({str(error)[:100]}): a JSON object a line"
        ) from None
    if set(found) != set(range(count)):
        raise DataError(f"{table} tells of {len(found):,} clips, but {path.name} holds {count:,}")
    return [found[number] for number in range(count)]


def called(items: Sequence[Any], caption: str) -> list[Clip]:
    """The clips; those without a caption get this one."""
    return [one if one.caption else replace(one, caption=caption) for one in items]
