"""Files of pairs: tab- or comma-separated lines, JSON lines, Parquet; languages in their names.

Knows folders, gzip and formats; what a record means is in `pair_item`. Knows no token or model.
What is no pair is counted, each file by its reasons, with the first line of each.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from genloom.codec.base import Reading
from genloom.codec.pair.item import NAMES, Pair, pairs_of
from genloom.codec.table.dataframes import pyarrow
from genloom.errors import DataError, RequestError

Tags = Literal["auto", "always", "never"]
_LARGEST = 4 << 30  # bytes of one file when unpacked
_LANGUAGES = re.compile(r"[a-z]{2,3}[-_]([a-z]{2,3})", re.IGNORECASE)

_FIELD = 1 << 24  # characters of a cell


class _No(Exception):
    """Not a pair, or not a file of pairs; the text is the reason."""


@dataclass
class _Told:
    """What was wrong in one file: reason -> how often, and the line that it was met in first."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, line: int) -> None:
        self.counts[reason] += 1
        self.first.setdefault(reason, line)

    def __str__(self) -> str:
        parts = [
            f"{count} left out, {reason} (first: line {self.first[reason]})"
            for reason, count in self.counts.most_common(5)
        ]
        return "; ".join(parts)


def read_pairs(path: Path, tags: Tags = "auto") -> Reading:
    """Every pair under a file or a folder, in order of the paths. DataError when none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give files of pairs, such as .tsv")
    found: list[tuple[Path, list[Pair]]] = []
    skipped: dict[str, str] = {}
    for file in _walk(path) if path.is_dir() else [path]:
        name = file.name if file == path else file.relative_to(path).as_posix()
        try:
            pairs, told = _found(file)
        except _No as reason:
            skipped[name] = str(reason)
            continue
        if told.counts:
            skipped[name] = str(told)
        found += [(file, pairs)] if pairs else []
    if not found:
        why = next((f"{k}: {v}" for k, v in skipped.items()), "it holds no such file")
        raise DataError(
            f"{path} has no pairs ({why}): give .tsv or .csv of two columns, or JSON lines with "
            '"source" and "target" or "prompt" and "completion"'
        )
    items = _tagged(found, tags)
    files = tuple(file for file, _ in found)
    return Reading(items=items, files=files, skipped=skipped, notes=_notes(items))


def _notes(items: list[Pair]) -> tuple[str, ...]:
    same = sum(item == item.source for item in items)
    twice = len(items) - len({(item.asked, str(item)) for item in items})
    told = [f"{same:,} pairs have equal sides"] if same else []
    return (*told, *([f"{twice:,} pairs are there twice or more"] if twice else []))


def _tagged(found: list[tuple[Path, list[Pair]]], tags: Tags) -> list[Pair]:
    """Sources told which language is wanted, where the files are of several."""
    wanted = {file: _language(file) for file, _ in found}
    several = len({tag for tag in wanted.values() if tag}) > 1
    if tags == "never" or (tags == "auto" and not several):
        return [item for _, items in found for item in items]
    return [
        Pair(item, item.source, wanted[file]) if wanted[file] else item
        for file, items in found
        for item in items
    ]


def _language(file: Path) -> str:
    """Of the targets, as the file's name has it: "deu" of eng-deu.tsv.gz; "" where it has none."""
    told = _LANGUAGES.fullmatch(file.name.split(".")[0])
    return told[1].lower() if told else ""


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and _suffix(Path(name)) in _FORMATS:
                yield Path(base, name)


def _suffix(file: Path) -> str:
    return Path(file.name.lower().removesuffix(".gz")).suffix


def _found(file: Path) -> tuple[list[Pair], _Told]:
    """The pairs of a file, and what was no pair."""
    read = _FORMATS.get(_suffix(file))
    if read is None:
        raise _No(f"not one of {', '.join(sorted(_FORMATS))}")
    told, pairs = _Told(), []
    for line, record in read(file, told):
        try:
            pairs += pairs_of(record)
        except RequestError as error:
            told.add(str(error), line)
    return pairs, told


def _text(file: Path) -> str:
    try:
        if not file.is_file():
            raise _No("not a regular file")
        if file.suffix.lower() == ".gz":
            with gzip.open(file) as stream:
                data = stream.read(_LARGEST + 1)
        else:
            data = file.read_bytes()
        if len(data) > _LARGEST:
            raise _No(f"more than {_LARGEST >> 30} GiB when unpacked")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _No("not UTF-8") from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise _No("a damaged gzip file") from None
    except OSError as error:
        raise _No(f"cannot be read: {error.strerror or error}") from None


Records = Iterator[tuple[int, Mapping[str, Any]]]


def _tabs(file: Path, told: _Told) -> Records:
    lines = _text(file).split("\n")
    rows = ((n, line.rstrip("\r").split("\t")) for n, line in enumerate(lines, 1) if line.strip())
    yield from _columns(list(rows), told)


def _commas(file: Path, told: _Told) -> Records:
    csv.field_size_limit(_FIELD)
    reader = csv.reader(io.StringIO(_text(file), newline=""))
    rows = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            told.add(f"not CSV: {error}", reader.line_num)
            continue
        rows += [(reader.line_num, row)] if any(row) else []
    yield from _columns(rows, told)


def _columns(rows: list[tuple[int, list[str]]], told: _Told) -> Records:
    """Records from the columns that a header names, else from the first two."""
    if not rows:
        return
    header = [cell.strip().lower() for cell in rows[0][1]]
    named = next(((a, b) for a, b in NAMES if a in header and b in header), None)
    usual = Counter(len(row) for _, row in rows[:1000]).most_common(1)[0][0]
    if usual < 2:
        raise _No("lines of one column: two are expected")
    left, right = (header.index(name) for name in named) if named else (0, 1)
    for line, row in rows[1:] if named else rows:
        if len(row) != usual:
            told.add(f"not {usual} columns as the others", line)
        else:
            yield line, {"source": row[left], "target": row[right]}


def _objects(file: Path, told: _Told) -> Records:
    """JSON lines, or one JSON list."""
    text = _text(file)
    for line, record in _values(text, told):
        if isinstance(record, Mapping):
            yield line, record
        else:
            told.add("no object", line)


def _values(text: str, told: _Told) -> Iterator[tuple[int, Any]]:
    if text.lstrip()[:1] == "[":
        try:
            yield from enumerate(json.loads(text), 1)
        except (ValueError, RecursionError):
            raise _No("not JSON") from None
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            told.add("not JSON", number)


def _parquet(file: Path, told: _Told) -> Records:
    arrow = pyarrow()
    try:
        table = importlib.import_module("pyarrow.parquet").read_table(file)
    except (arrow.ArrowException, OSError) as error:
        raise _No(f"not Parquet: {str(error).splitlines()[0][:80]}") from None
    yield from enumerate(table.to_pylist(), 1)


_FORMATS: dict[str, Callable[[Path, _Told], Records]] = {
    ".tsv": _tabs,
    ".tab": _tabs,
    ".csv": _commas,
    ".jsonl": _objects,
    ".ndjson": _objects,
    ".json": _objects,
    ".parquet": _parquet,
}
