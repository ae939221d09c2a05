"""Collections of files on disk, in folders and zip archives alike, with what is told of each.

Finds captions and credits in metadata files, side-car texts or the names of folders. Knows names
and tables; what the files hold is for those who ask, who say by its name which are theirs.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from genloom.errors import DataError

METADATA = ("metadata.jsonl", "metadata.csv", "captions.jsonl", "captions.csv")
FILE_KEYS = ("file_name", "file", "filename", "image", "audio", "path")
TEXT_KEYS = ("text", "caption", "prompt", "sentence", "label", "class")
CREDIT_KEYS = ("author", "artist", "credit", "creator")
MAX_BYTES = 256 * 2**20  # of one compressed file; larger ones are no training items

Mine = Callable[[str], bool]  # whether a name is that of a file to learn from


@dataclass(frozen=True)
class Member:
    """A file inside an open archive."""

    archive: zipfile.ZipFile
    name: str

    def read_bytes(self) -> bytes:
        size = self.archive.getinfo(self.name).file_size
        if size > MAX_BYTES:
            raise DataError(f"{self.name} unpacks to {size:,} bytes; at most {MAX_BYTES:,}")
        return self.archive.read(self.name)


def content(source: Path | Member | bytes, name: str) -> bytes:
    """All of a file. DataError, by this name, where it is not there or cannot be read."""
    try:
        return source if isinstance(source, bytes) else source.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {error}") from None


@dataclass(frozen=True)
class Entry:
    """One file of a collection. row: what a metadata file says of it besides."""

    source: Path | Member
    name: str
    caption: str | None = None
    credit: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)


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


# --- where the files are -------------------------------------------------------------------------


def shelf_of(path: Path, mine: Mine) -> Shelf:
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
    if len(archives) == 1 and not any(mine(name) for name in found):
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


# --- captions ------------------------------------------------------------------------------------

Found = tuple[list[Entry], dict[str, str], tuple[str, ...]]


def captioned(shelf: Shelf, mine: Mine) -> Found:
    """Files with captions, what was left out, and a note on where the captions came from."""
    tables = _tables(shelf.sources) or list(shelf.beside)
    if tables:
        return _from_tables(shelf, tables, mine)
    names = [n for n in shelf.sources if mine(n)]
    sidecars = {n: _sidecar(n) for n in names if _sidecar(n) in shelf.sources}
    if sidecars:
        texts = {n: " ".join(shelf.text(t).split()) for n, t in sidecars.items()}
        note = "captions from the .txt beside each file"
    else:
        texts = _folder_names(names)
        note = "captions from the names of the folders" if texts else "no captions"
    return [Entry(shelf.sources[n], n, texts.get(n)) for n in names], {}, (note,)


def _sidecar(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(".txt"))


def _folder_names(names: list[str]) -> dict[str, str]:
    """Folder per class. Parts of the path that all files share say nothing and are dropped."""
    folders = {n: PurePosixPath(n).parts[:-1] for n in names}
    distinct = set(folders.values())
    if len(distinct) < 2:
        return {}
    shared = 0
    while len({f[: shared + 1] for f in distinct}) == 1:
        shared += 1
    return {n: "/".join(f[shared:]) for n, f in folders.items() if f[shared:]}


def _from_tables(shelf: Shelf, tables: list[str], mine: Mine) -> Found:
    entries, skipped = [], {}
    for table in tables:
        found, missing = _from_table(shelf, table)
        entries += found
        skipped |= missing
    listed, where = {one.name for one in entries}, ", ".join(tables)
    for name in shelf.sources:
        if mine(name) and name not in listed:
            skipped[name] = f"not listed in {where}"
    return entries, skipped, (f"captions from {where}",)


def _from_table(shelf: Shelf, table: str) -> tuple[list[Entry], dict[str, str]]:
    """The files that one file of metadata names, relative to its own folder."""
    text = shelf.text(table)
    rows = _csv_rows(text, table) if table.endswith(".csv") else _jsonl_rows(text)
    entries, skipped = [], {}
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
            caption = _value(row, TEXT_KEYS)
            entries.append(Entry(shelf.sources[name], name, caption, credit, row))
    return entries, skipped


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
