"""Collections of pictures on disk: folders, zip archives and IDX files, with their captions.

Leaves out what is broken and says why. Knows no pixels beyond asking whether a picture decodes, and
no tensor; folders, archives and tables of captions are the business of shelves.py.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from genloom.codec.base import Reading
from genloom.codec.image.pictures import SUFFIXES, Picture, sound
from genloom.codec.shelves import Shelf, captioned, shelf_of
from genloom.errors import DataError

IDX = re.compile(r"(?P<head>.*)images[-.]idx(?P<axes>[34])-ubyte(?P<gz>\.gz)?$")
IDX_LIMIT = 4 * 2**30


def read_album(path: Path) -> Reading:
    """Every picture under a file or a folder. DataError when there is none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: give a folder, a .zip or an IDX file of pictures")
    if idx := _idx_file(path):
        return _read_idx(idx)
    shelf = shelf_of(path, is_picture)
    entries, skipped, notes = captioned(shelf, is_picture)
    pictures = [Picture(one.source, one.caption, one.name, one.credit) for one in entries]
    good, broken, moving = sound(pictures)
    skipped = {**skipped, **broken}
    if not good:
        raise DataError(_nothing(path, shelf, skipped))
    if any(p.caption for p in good) and (bare := sum(not p.caption for p in good)):
        notes = (*notes, f"{bare} of {len(good)} pictures have no caption")
        good = [p if p.caption else replace(p, caption="") for p in good]
    used = [p.source for p in good if isinstance(p.source, Path)]
    if moving:
        notes = (*notes, f"{moving} of {len(good)} pictures move: their first frames are learnt")
    credits = tuple(sorted({p.credit for p in good if p.credit}))
    files = (*shelf.files, *used)
    return Reading(items=good, files=files, skipped=skipped, notes=notes, credits=credits)


def _nothing(path: Path, shelf: Shelf, skipped: Mapping[str, str]) -> str:
    tried = [f"{name} ({why})" for name, why in list(skipped.items())[:5]]
    if not tried:
        seen = sorted(shelf.sources)[:5]
        tried = [f"{name} (no picture's suffix)" for name in seen] or ["it is empty"]
    more = max(len(skipped), len(shelf.sources)) - len(tried)
    rest = f" and {more} more" if more > 0 else ""
    return f"{path} holds no readable picture: tried {', '.join(tried)}{rest}; use PNG or JPEG"


def is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


# --- IDX -----------------------------------------------------------------------------------------


def _idx_file(path: Path) -> Path | None:
    """The images of an IDX pair: the file itself, or the one in a folder; training part first."""
    if path.is_file():
        return path if IDX.match(path.name) else None
    found = sorted(p for p in path.iterdir() if p.is_file() and IDX.match(p.name))
    return next((p for p in found if p.name.startswith("train")), found[0] if found else None)


def _read_idx(path: Path) -> Reading:
    images = _idx_array(path)
    if images.ndim < 3 or not images.size:
        raise DataError(f"{path} holds no pictures: its shape is {images.shape}")
    captions, files, note = [None] * len(images), (path,), "no captions"
    labels_path = _labels_of(path)
    if labels_path is not None:
        labels = _idx_array(labels_path)
        if labels.shape != (len(images),):
            raise DataError(f"{labels_path} holds {labels.shape} labels for {len(images)} pictures")
        captions, files, note = [str(v) for v in labels], (path, labels_path), "captions: labels"
    rows = enumerate(zip(images, captions, strict=True))
    items = [Picture(image, caption, f"{path.name}[{i}]") for i, (image, caption) in rows]
    return Reading(items=items, files=files, notes=(note,))


def _labels_of(path: Path) -> Path | None:
    head = IDX.match(path.name)["head"]  # type: ignore[index]
    for middle in ("labels-idx1-ubyte", "labels.idx1-ubyte"):
        for end in ("", ".gz"):
            if (path.parent / f"{head}{middle}{end}").is_file():
                return path.parent / f"{head}{middle}{end}"
    return None


def _idx_array(path: Path) -> np.ndarray:
    """uint8 of the shape that the header states. DataError where the bytes do not match it."""
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            zero, code, axes = struct.unpack(">HBB", file.read(4))
            shape = struct.unpack(f">{axes}I", file.read(4 * axes))
            size = int(np.prod(shape, dtype=np.float64))
            if zero or code != 8 or not 1 <= axes <= 4 or size > IDX_LIMIT:
                raise DataError(f"{path} is no IDX file of bytes: header {zero}, {code}, {shape}")
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{path} is broken ({error}): fetch it again") from None
    if len(content) != size:
        raise DataError(f"{path} is cut short or too long: {len(content):,} bytes for {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape)
