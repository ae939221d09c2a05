"""Text found on disk: which files are text, in what encoding, and where documents begin and end.

Knows folders, gzip, JSON lines and encodings. Knows no tokens and no model.
A file that is not text is left out by name and with the reason, never guessed at.
"""

from __future__ import annotations

import codecs
import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from genloom.codec.base import Reading
from genloom.errors import DataError

SEPARATOR = "<|endoftext|>"
Documents = Literal["auto", "file", "paragraph", "line"]

# Tables and licences decode as text, but in a folder of texts they are not what is to be learnt.
_TABLES = {".csv", ".tsv"}
_LICENCE = re.compile(r"(un)?licen[cs]e|copying|notice", re.IGNORECASE)
_SKIPPED_FOLDERS = {"__pycache__", "node_modules"}
_LARGEST = 4 << 30  # bytes of one file after decompression; a gzip bomb stops here
_MARKS = (  # the longest first: a UTF-32 mark begins with a UTF-16 one
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x08\x1b")) + b"\x7f"
_SEPARATOR_LINE = re.compile(r"^<\|endoftext\|>[ \t]*\r?$", re.MULTILINE)


class _Unreadable(Exception):
    """A file that cannot be used; the text is the reason."""


@dataclass
class _Found:
    items: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_texts(path: Path, documents: Documents = "auto") -> Reading:
    """Every text under a file or a folder, in the order of the paths. DataError when none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give the path of a text or a folder")
    found = _Found()
    for file in _walk(path, found.skipped) if path.is_dir() else [path]:
        _read_into(found, file, path, documents)
    if not found.items:
        raise DataError(_nothing(path, found.skipped))
    return Reading(
        items=found.items,
        files=tuple(found.files),
        skipped=found.skipped,
        notes=tuple(found.notes),
    )


def _nothing(path: Path, skipped: dict[str, str]) -> str:
    if path.is_file():
        return f"{path}: {next(iter(skipped.values()), 'is empty')}; give a file that holds text"
    if not skipped:
        return f"{path} is an empty folder; give a folder that holds text files"
    first = ", ".join(f"{name} ({reason})" for name, reason in list(skipped.items())[:5])
    more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f"no readable text under {path}; tried {first}{more}; give files that hold text"


def _walk(root: Path, skipped: dict[str, str]) -> Iterator[Path]:
    """Files under `root` in a fixed order, hidden ones left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f[0] != "." and f not in _SKIPPED_FOLDERS)
        for name in sorted(n for n in names if n[0] != "."):
            file = Path(folder, name)
            if _LICENCE.match(name):
                skipped[file.relative_to(root).as_posix()] = "a licence, not data"
            elif file.suffix.lower() in _TABLES:
                skipped[file.relative_to(root).as_posix()] = "a table: train it as a table"
            else:
                yield file


def _read_into(found: _Found, file: Path, root: Path, documents: Documents) -> None:
    name = file.name if file == root else file.relative_to(root).as_posix()
    try:
        text, note = _text_of(_bytes_of(file))
        if _inner_suffix(file) == ".jsonl":
            items = list(_records(text, name, found.skipped))
        else:
            items = list(_documents(text, documents))
    except _Unreadable as reason:
        found.skipped[name] = str(reason)
        return
    if not items:
        found.skipped.setdefault(name, "is empty")
        return
    found.items += items
    found.files.append(file)
    if note:
        found.notes.append(f"{name}: {note}")


def _inner_suffix(file: Path) -> str:
    return Path(file.stem if file.suffix.lower() == ".gz" else file.name).suffix.lower()


def _bytes_of(file: Path) -> bytes:
    if not file.is_file():
        raise _Unreadable("not a regular file")  # opening a pipe would wait for ever
    try:
        if file.suffix.lower() != ".gz":
            return file.read_bytes()
        with gzip.open(file) as stream:
            data = stream.read(_LARGEST + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _Unreadable("a damaged gzip file") from error
    except OSError as error:
        raise _Unreadable(f"cannot be read: {error.strerror or error}") from error
    if len(data) > _LARGEST:
        raise _Unreadable(f"more than {_LARGEST >> 30} GiB when unpacked")
    return data


def _text_of(data: bytes) -> tuple[str, str | None]:
    """The text and a note when its encoding had to be guessed."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), None
            except UnicodeDecodeError as error:
                raise _Unreadable(f"begins as {encoding} but is damaged") from error
    head = data[:65536]
    if (wide := _wide_without_mark(head)) is not None:
        try:
            return data.decode(wide), f"has no byte-order mark, read as {wide}"
        except UnicodeDecodeError as error:
            raise _Unreadable("a binary file") from error
    if b"\0" in head or _share(head, _CONTROLS) > 0.01:
        raise _Unreadable("a binary file")
    return _eight_bit(data)


def _eight_bit(data: bytes) -> tuple[str, str | None]:
    for encoding in ("utf-8", "cp1252", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text, None if encoding == "utf-8" else f"is not UTF-8, read as {encoding}"
    raise _Unreadable("in no known encoding")


def _share(data: bytes, which: bytes) -> float:
    return 1.0 - len(data.translate(None, which)) / len(data) if data else 0.0


def _wide_without_mark(head: bytes) -> str | None:
    """UTF-16 without its mark: nearly every second byte of western text is zero, no other is."""
    low, high = _share(head[0::2], b"\0"), _share(head[1::2], b"\0")
    if high > 0.7 and low < 0.01:
        return "utf-16-le"
    if low > 0.7 and high < 0.01:
        return "utf-16-be"
    return None


def _documents(text: str, documents: Documents) -> Iterator[str]:
    if not text.strip():
        return
    if documents == "file":
        yield text
        return
    parts = _SEPARATOR_LINE.split(text)
    if len(parts) > 1:  # the separator's own line ends belong to no document
        parts = [part.strip("\r\n") for part in parts]
    if documents == "line":
        parts = [line for part in parts for line in part.splitlines()]
    elif documents == "paragraph":
        parts = [piece.strip("\r\n") for part in parts for piece in re.split(r"\r?\n\s*\n", part)]
    yield from (part for part in parts if part.strip())


def _records(text: str, name: str, skipped: dict[str, str]) -> Iterator[str]:
    """The "text" of each JSON line; a broken line is left out by its number."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            skipped[f"{name}:{number}"] = "not JSON"
            continue
        value = record.get("text") if isinstance(record, dict) else None
        if not isinstance(value, str):
            raise _Unreadable(f'line {number} has no string "text"')
        if value.strip():
            yield value
