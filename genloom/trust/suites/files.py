"""Rows out of the files in which suites are passed on: JSON lines, JSON, CSV, Parquet, plain text.

Knows file forms, gzip, and which words of a file's name tell its part (train, test ...). Knows no
suite. A row that does not read is an error with its line: a suite with holes is another suite.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genloom.codec.table.dataframes import pyarrow
from genloom.errors import DataError

Rows = list[dict[str, Any]]
LARGEST = 1 << 30  # bytes of a file when unpacked
PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "dev",
    "test": "test",
    "prompt": "prompt",
}
_SHARD = re.compile(r"\d{5}|of")
_LETTERS = "ABCD"


def read(path: Path) -> Rows:
    """Every row of a file. DataError where it is missing, empty or damaged."""
    form = _form(path)
    if form is None:
        raise DataError(f"{path} is of no known form: give one of {', '.join(sorted(_FORMS))}")
    if not path.is_file():
        raise DataError(f"{path} is no file: give one that holds the items of a suite")
    try:
        rows = _FORMS[form](path)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if not rows:
        raise DataError(f"{path} has no items: it is empty")
    return rows


def known(path: Path) -> bool:
    """Whether the name of a file is that of a form which is read here."""
    return _form(path) is not None and not path.name.startswith(".")


def _form(path: Path) -> str | None:
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    return suffix if suffix in _FORMS else None


def words(path: Path) -> list[str]:
    """The words of a path without its ending, small."""
    if not path.name:
        return []  # the folder that one stands in
    stem = path.with_suffix("")
    stem = stem.with_suffix("") if path.suffix.lower() == ".gz" else stem
    return [word for word in re.split(r"[\W_]+", str(stem).lower()) if word]


def part(path: Path) -> str:
    """Which part of a suite a file holds, by the words of its path: "test" ..., or ""."""
    return next((PARTS[word] for word in reversed(words(path)) if word in PARTS), "")


def rest(path: Path) -> tuple[str, ...]:
    """The words that say neither part nor shard: alike for all parts of one suite."""
    return tuple(w for w in words(path) if w not in PARTS and not _SHARD.fullmatch(w))


def _bytes(path: Path) -> bytes:
    if path.suffix.lower() != ".gz":
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} has more than {LARGEST >> 30} GiB: give a part of it")
        return path.read_bytes()
    with gzip.open(path) as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise DataError(f"{path} has more than {LARGEST >> 30} GiB when unpacked: give a part")
    return data


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}): convert it first") from None


def _lines(path: Path) -> Rows:
    rows = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            rows.append(_object(_parsed(line, path, f"line {number}"), path, f"line {number}"))
    return rows


def _parsed(text: str, path: Path, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {where} is not JSON ({error}): correct it") from None


def _object(row: Any, path: Path, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(f"{path}: {where} is no object with fields, but {type(row).__name__}")
    return {str(key): item for key, item in row.items()}


def _json(path: Path) -> Rows:
    """A list of objects, or an object that holds one: a list, or objects by their numbers."""
    text = _text(path)
    if not text.strip():
        return []
    found = _parsed(text, path, "it")
    if isinstance(found, dict):
        held = [list(v.values()) if isinstance(v, dict) else v for v in (*found.values(), found)]
        lists = [v for v in held if isinstance(v, list) and all(isinstance(o, dict) for o in v)]
        found = max(lists, key=len, default=found)
    if not isinstance(found, list):
        raise DataError(f"{path} holds no list of items: give a list of objects")
    return [_object(row, path, f"item {n}") for n, row in enumerate(found, 1)]


def _csv(path: Path) -> Rows:
    """With a header; without one where six columns end in a letter, as MMLU is passed on."""
    text = _text(path)
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    tabs = plain.suffix.lower() == ".tsv"
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), "excel-tab" if tabs else "excel"))
    except csv.Error as error:
        raise DataError(f"{path} is no table ({error}): correct it") from None
    lines = [line for line in lines if line]
    if not lines:
        return []
    if all(len(line) == 6 and line[5].strip() in _LETTERS for line in lines):
        return list(_lettered(lines, " ".join(rest(Path(plain.name)))))
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(lines[0]):
            raise DataError(f"{path}: row {number} has {len(line)} fields, not {len(lines[0])}")
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def _lettered(lines: list[list[str]], subject: str) -> Iterator[dict[str, Any]]:
    for question, *choices, answer in lines:
        number = _LETTERS.index(answer.strip())
        yield {"question": question, "choices": choices, "answer": number, "subject": subject}


def _parquet(path: Path) -> Rows:
    library = pyarrow()
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        rows: Rows = parquet.read_table(path).to_pylist()
    except (library.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file ({str(error).splitlines()[0]})") from None
    return rows


def _whole(path: Path) -> Rows:
    text = _text(path)
    return [{"text": text}] if text.strip() else []


_FORMS = {
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".txt": _whole,
    ".raw": _whole,
    ".md": _whole,
}
