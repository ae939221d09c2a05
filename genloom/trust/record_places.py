"""Where an asset's record lies: inside a PNG, SVG, sound, film, mesh or Parquet file, or in
`<file>.json`.

Knows file formats and which bytes of them are the content. Knows not what a record says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.codec.embedded import embedded
from genloom.codec.image.files import pixel_hash, read_record
from genloom.codec.image.tracing import drawing_hash, drawing_record
from genloom.codec.shape.files import shape_hash, shape_record
from genloom.codec.sound.files import read_sound, sample_hash, sound_record
from genloom.codec.table.frame import RECORD_KEY
from genloom.codec.video.containers import WRITTEN as FILMS
from genloom.codec.video.files import clip_hash, film_record, gif_record
from genloom.data.source import file_sha256
from genloom.errors import DataError, MissingExtra

INSIDE, BESIDE = "inside", "beside"
FILE = "file"  # the content is every byte of the file
LARGEST = 16 << 20  # bytes of a side-car; ours are below a few kilobytes


@dataclass(frozen=True)
class Place:
    """How a format holds a record. of: what the content hash is over."""

    of: str
    read: Callable[[Path], dict[str, Any] | None]
    content: Callable[[Path], str]


def side_car(path: Path) -> Path:
    """The file beside an asset that holds its record."""
    return path.with_name(f"{path.name}.json")


def place_of(path: Path) -> Place | None:
    """How files of this suffix hold a record; None where they cannot."""
    return _PLACES.get(path.suffix.lower())


def find_record(path: Path) -> tuple[dict[str, Any] | None, str | None]:
    """(record, "inside" or "beside"), or (None, None). DataError when there is no such file."""
    if not path.is_file():
        raise DataError(f"{path} is no file: give the path of an asset that Genloom made")
    place = place_of(path)
    record = place.read(path) if place is not None else None
    if record is not None:
        return record, INSIDE
    record = _beside(side_car(path))
    return (record, BESIDE) if record is not None else (None, None)


def content_hash(path: Path, of: str) -> str | None:
    """SHA-256 of what a record vouches for; None where this kind of file has no such content."""
    place = place_of(path)
    if place is not None and of == place.of:
        return place.content(path)
    return file_sha256(path) if of == FILE else None


def _beside(path: Path) -> dict[str, Any] | None:
    """What a side-car holds; None where there is none or it is not ours to read."""
    if not path.is_file() or path.stat().st_size > LARGEST:
        return None
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _parquet_record(path: Path) -> dict[str, Any] | None:
    return embedded((_parquet(path).schema.metadata or {}).get(RECORD_KEY), path)


def _cells(path: Path) -> str:
    """Over names, types and values, whatever the compression."""
    frame = _parquet(path).replace_schema_metadata(None).to_pandas()
    total = hashlib.sha256(f"{frame.dtypes.astype(str).to_dict()}\n".encode())
    total.update(frame.to_csv(index=False).encode())
    return total.hexdigest()


def _parquet(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("pyarrow", "tables") from None
    try:
        return pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is not readable as Parquet ({reason}): fetch it again") from None


def _samples(path: Path) -> str:
    """Over what is decoded, whatever else the file holds."""
    return sample_hash(read_sound(path.read_bytes(), str(path)))


_PLACES = {
    ".png": Place("pixels", read_record, pixel_hash),
    ".svg": Place("drawing", drawing_record, drawing_hash),
    ".parquet": Place("cells", _parquet_record, _cells),
    ".pq": Place("cells", _parquet_record, _cells),
    ".gif": Place("clip", gif_record, clip_hash),
    **{suffix: Place("clip", film_record, clip_hash) for suffix in FILMS},
    **{s: Place("surface", shape_record, shape_hash) for s in (".glb", ".obj", ".ply")},
    **{
        suffix: Place("samples", sound_record, _samples)
        for suffix in (".wav", ".wave", ".flac", ".ogg", ".opus", ".mp3")
    },
}
