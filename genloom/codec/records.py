"""Files of records: JSON lines, one JSON list, Parquet -> what each record is made into.

Knows formats, folders and what is left out; a record's meaning is whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.file_walk import Unreadable, content, files_at, suffix_of
from genloom.codec.left_out import LeftOut
from genloom.codec.parquet_records import SUFFIXES as PARQUET
from genloom.codec.parquet_records import parquet_records
from genloom.codec.text.encodings import strict
from genloom.errors import DataError, MissingExtra, RequestError

SUFFIXES = (".jsonl", ".ndjson", ".json", *PARQUET)


def read_records(path: Path, make: Callable[[Any], Any], name: str, shapes: str) -> Reading:
    """What `make` makes of every record under a file or a folder, in the order of the paths.

    make: RequestError says what is wrong with a record. name, shapes: what the items are called and
    how they may be written, for the DataError where there is none.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give {shapes}")
    items: list[Any] = []
    files: list[Path] = []
    left = LeftOut()
    alone = not path.is_dir()
    for file, told in files_at(path):
        if not alone and suffix_of(told) not in SUFFIXES:
            continue
        before = len(items)
        try:
            _read_into(items, file, told, make, left)
        except Unreadable as reason:
            left.add(told, str(reason))
        except MissingExtra as error:
            if alone:
                raise
            left.add(told, str(error))
        if len(items) > before:
            files.append(Path(file))
    if not items:
        tried = f"tried {left.told()}" if left.total else f"it holds no {' or '.join(SUFFIXES)}"
        raise DataError(f"{path} has no {name} ({tried}): give {shapes}")
    return left.reading(items, tuple(files))


def _read_into(
    items: list[Any], file: str, name: str, make: Callable[[Any], Any], left: LeftOut
) -> None:
    empty, before = True, left.total
    for number, record in _records(file, name, left):
        empty = False
        try:
            items.append(make(record))
        except RequestError as error:
            left.add(f"{name}:{number}", str(error))
    if empty and left.total == before:
        left.add(name, "is empty")


def _records(file: str, name: str, left: LeftOut) -> Iterator[tuple[int, Any]]:
    """(line or place, record)."""
    data = content(file)
    if suffix_of(name) in PARQUET or data[:4] == b"PAR1":
        yield from parquet_records(data)
        return
    text = strict(data)
    del data
    whole = _whole(text)
    yield from _lines(text, name, left) if whole is None else enumerate(whole, 1)


def _whole(text: str) -> list[Any] | None:
    """The records of a file that is one JSON value; None where it is lines of them."""
    head = text.lstrip()[:1]
    if head not in ("[", "{"):
        return None
    try:
        told = json.loads(text)
        return told if isinstance(told, list) else [told]
    except (ValueError, RecursionError):
        first = text.lstrip().partition("\n")[0]
        if head == "[" and not _parses(first):
            raise Unreadable("not JSON") from None
        return None


def _parses(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(text: str, name: str, left: LeftOut) -> Iterator[tuple[int, Any]]:
    place, number = 0, 0
    while place < len(text):  # no list of all lines beside the text
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        line, place, number = text[place:end], end + 1, number + 1
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            left.add(f"{name}:{number}", "not JSON")
            continue
        yield number, record
