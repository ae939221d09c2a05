"""Collections of pictures on disk: folders, zip archives and IDX files, with their captions.

Finds the captions in metadata files, side-car texts or the names of folders. Leaves out what is
broken and says why. Knows no pixels beyond asking whether a picture decodes, and no tensor.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from genloom.codec.base import Reading
from genloom.codec.pictures import SUFFIXES, Member, Picture, sound
from genloom.errors import DataError

METADATA = ("metadata.jsonl", "metadata.csv", "captions.jsonl", "captions.csv")
FILE_KEYS = ("file_name", "file", "filename", "image", "path")
TEXT_KEYS = ("text", "caption", "prompt", "label", "class")
CREDIT_KEYS = ("author", "artist", "credit", "creator")
IDX = re.compile(r"(?P<head>.*)images[-.]idx(?P<axes>[34])-ubyte(?P<gz>\.gz)?$")
IDX_LIMIT = 4 * 2**30


@dataclass(frozen=True)
class Shelf:
    """Files by relative name, in a folder or an archive alike.

    beside: metadata files that lie next to an archive.
    """

    sources: Mapping[str, Path | Member]
    beside: Mapping[str, Path] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def text(self, name: str) -> str:
        source = self.sources.get(name) or self.beside[name]
        try:
            return source.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise DataError(f"{name} is not UTF-8 text: save it again as UTF-8") from None


def read_album(path: Path) -> Reading:
    """Every picture under a file or a folder. DataError when there is none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: give a folder, a .zip or an IDX file of pictures")
    if idx := _idx_file(path):
        return _read_idx(idx)
    shelf = shelf_of(path)
    pictures, skipped, notes = _captioned(shelf)
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


# --- where the files are -------------------------------------------------------------------------


def shelf_of(path: Path) -> Shelf:
    if path.is_file():
        if path.suffix.lower() == ".zip":
            return _archive(path)
        return Shelf({path.name: path}, files=())
    found = {
        p.relative_to(path).as_posix(): p
        for p in sorted(path.rglob("*"))
        if p.is_file() and not _hidden(p.relative_to(path).as_posix())
    }
    archives = [p for name, p in found.items() if name.lower().endswith(".zip")]
    if len(archives) == 1 and not any(is_picture(name) for name in found):
        return _archive(archives[0])
    return Shelf(found, files=tuple(found[name] for name in _tables(found)))


def _archive(path: Path) -> Shelf:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not a sound zip archive ({error}): make it again") from None
    inside = {
        i.filename: Member(archive, i.filename)
        for i in archive.infolist()
        if not i.is_dir() and not _hidden(i.filename)
    }
    names = (f"{path.stem}.jsonl", f"{path.stem}.csv", *METADATA)
    beside = {n: path.parent / n for n in names if (path.parent / n).is_file()}
    taken = () if _tables(inside) else tuple(beside.values())[:1]
    return Shelf(inside, {p.name: p for p in taken}, files=(path, *taken))


def _tables(names: Iterable[str]) -> list[str]:
    """The metadata files, at most one a folder: the better known name."""
    best: dict[PurePosixPath, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.name not in METADATA:
            continue
        other = best.get(path.parent)
        if other is None or _rank(name) < _rank(other):
            best[path.parent] = name
    return list(best.values())


def _rank(name: str) -> int:
    return METADATA.index(PurePosixPath(name).name)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


# --- captions ------------------------------------------------------------------------------------

Found = tuple[list[Picture], dict[str, str], tuple[str, ...]]


def _captioned(shelf: Shelf) -> Found:
    """Pictures with captions, what was left out, and a note on where the captions came from."""
    tables = _tables(shelf.sources) or list(shelf.beside)
    if tables:
        return _from_tables(shelf, tables)
    names = [n for n in shelf.sources if is_picture(n)]
    sidecars = {n: _sidecar(n) for n in names if _sidecar(n) in shelf.sources}
    if sidecars:
        texts = {n: " ".join(shelf.text(t).split()) for n, t in sidecars.items()}
        note = "captions from the .txt beside each picture"
    else:
        texts = _folder_names(names)
        note = "captions from the names of the folders" if texts else "no captions"
    return [Picture(shelf.sources[n], texts.get(n), n) for n in names], {}, (note,)


def _sidecar(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(".txt"))


def _folder_names(names: list[str]) -> dict[str, str]:
    """Folder per class. Parts of the path that all pictures share say nothing and are dropped."""
    folders = {n: PurePosixPath(n).parts[:-1] for n in names}
    distinct = set(folders.values())
    if len(distinct) < 2:
        return {}
    shared = 0
    while len({f[: shared + 1] for f in distinct}) == 1:
        shared += 1
    return {n: "/".join(f[shared:]) for n, f in folders.items() if f[shared:]}


def _from_tables(shelf: Shelf, tables: list[str]) -> Found:
    pictures, skipped = [], {}
    for table in tables:
        found, missing = _from_table(shelf, table)
        pictures += found
        skipped |= missing
    listed, where = {p.name for p in pictures}, ", ".join(tables)
    for name in shelf.sources:
        if is_picture(name) and name not in listed:
            skipped[name] = f"not listed in {where}"
    return pictures, skipped, (f"captions from {where}",)


def _from_table(shelf: Shelf, table: str) -> tuple[list[Picture], dict[str, str]]:
    """The pictures that one file of metadata names, relative to its own folder."""
    text = shelf.text(table)
    rows = _csv_rows(text, table) if table.endswith(".csv") else _jsonl_rows(text)
    pictures, skipped = [], {}
    for number, row in rows:
        where = f"{table} line {number}"
        given = _value(row, FILE_KEYS) if isinstance(row, Mapping) else None
        name = str(PurePosixPath(table).parent / given) if given else None
        if name is None:
            skipped[where] = f"no JSON object or columns with one of {', '.join(FILE_KEYS)}"
        elif name not in shelf.sources:
            skipped[name] = f"{where} names it, but there is no such file"
        else:
            credit = _value(row, CREDIT_KEYS) or ""
            pictures.append(Picture(shelf.sources[name], _value(row, TEXT_KEYS), name, credit))
    return pictures, skipped


def _value(row: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = row.get(key)
        if value is not None and not isinstance(value, dict | list):
            return str(value) if keys is FILE_KEYS else " ".join(str(value).split())
    return None


def _csv_rows(text: str, table: str) -> list[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(f"{table} line {reader.line_num} is not CSV: {error}") from None


def _jsonl_rows(text: str) -> list[tuple[int, Any]]:
    def parsed(line: str) -> Any:
        try:
            return json.loads(line)
        except ValueError:
            return None

    lines = enumerate(text.split("\n"), start=1)
    return [(number, parsed(line)) for number, line in lines if line.strip()]


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
