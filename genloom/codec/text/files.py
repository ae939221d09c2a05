"""Text found on disk: which files hold text, in what format, and where documents begin and end.

Knows folders and which reader a suffix asks for; the formats are in `text_html`, `text_pdf`,
`text_markdown` and `parquet_records`. Knows no tokens and no model. A file that is not text is left
out by name and with the reason, never guessed at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from genloom.codec import parquet_records
from genloom.codec.base import Reading
from genloom.codec.file_walk import Unreadable, content, files_at, suffix_of
from genloom.codec.left_out import LeftOut
from genloom.codec.text import html as text_html
from genloom.codec.text import markdown as text_markdown
from genloom.codec.text import pdf as text_pdf
from genloom.codec.text.encodings import text_of
from genloom.errors import DataError, MissingExtra

SEPARATOR = "<|endoftext|>"
Documents = Literal["auto", "file", "paragraph", "line"]

# Tables and licences decode as text, but in a folder of texts they are not what is to be learnt.
_TABLES = {".csv", ".tsv"}
_LICENCE = re.compile(r"(un)?licen[cs]e|copying|notice", re.IGNORECASE)
_COLUMN = "text"  # of JSON lines and Parquet
_NOTES = 50  # that are told one by one
_SEPARATOR_LINE = re.compile(r"^<\|endoftext\|>[ \t]*\r?$", re.MULTILINE)


class _Found:
    def __init__(self) -> None:
        self.items: list[str] = []
        self.files: list[Path] = []
        self.left = LeftOut()
        self.notes: list[str] = []
        self.more = 0  # notes beyond those

    def note(self, told: str) -> None:
        if len(self.notes) < _NOTES:
            self.notes.append(told)
        else:
            self.more += 1

    def told(self) -> tuple[str, ...]:
        more = (f"{self.more:,} more notes of the kind",) if self.more else ()
        return (*self.notes, *more, *self.left.notes())


def read_texts(path: Path, documents: Documents = "auto") -> Reading:
    """Every text under a file or a folder, in the order of the paths. DataError when none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give the path of a text or a folder")
    found, alone = _Found(), not path.is_dir()
    for file, name in files_at(path):
        why = "" if alone else _no_text(name)
        if why:
            found.left.add(name, why)
        else:
            _read_into(found, file, name, documents, alone)
    if not found.items:
        raise DataError(_nothing(path, found.left))
    return Reading(
        items=found.items,
        files=tuple(found.files),
        skipped=found.left.named,
        notes=found.told(),
        reasons=dict(found.left.reasons),
    )


def _nothing(path: Path, left: LeftOut) -> str:
    if path.is_file():
        return f"{path}: {next(iter(left.named.values()), 'is empty')}; give a file that holds text"
    if not left.total:
        return f"{path} is an empty folder; give a folder that holds text files"
    return f"no readable text under {path}; tried {left.told()}; give files that hold text"


def _no_text(name: str) -> str:
    """Why a file of a folder is none of its texts; "" where nothing speaks against it."""
    if _LICENCE.match(name.rpartition("/")[2]):
        return "a licence, not data"
    return "a table: train it as a table" if name.lower().endswith(tuple(_TABLES)) else ""


def _read_into(found: _Found, file: str, name: str, documents: Documents, alone: bool) -> None:
    before, left = len(found.items), found.left.total
    try:
        read = _FORMATS.get(suffix_of(name), _plain)
        found.items += read(content(file), name, documents, found)
    except Unreadable as reason:
        del found.items[before:]
        found.left.add(name, str(reason))
        return
    except MissingExtra as error:
        if alone:
            raise
        found.left.add(name, str(error))
        return
    if len(found.items) > before:
        found.files.append(Path(file))
    elif found.left.total == left:
        found.left.add(name, "is empty")


# --- formats: bytes, the file's name, what a document is, where notes go -> texts


def _plain(data: bytes, name: str, documents: Documents, found: _Found) -> Iterator[str]:
    if data[:5] == b"%PDF-":
        return _pdf(data, name, documents, found)
    return _documents(_noted(text_of(data), name, found), documents)


def _markdown(data: bytes, name: str, documents: Documents, found: _Found) -> Iterator[str]:
    text = _noted(text_of(data), name, found)
    return _documents(text_markdown.without_front_matter(text), documents)


def _html(data: bytes, name: str, documents: Documents, found: _Found) -> Iterator[str]:
    if not data.strip():
        return iter(())
    return _documents(_noted(text_html.visible_text(data), name, found), documents)


def _pdf(data: bytes, name: str, documents: Documents, found: _Found) -> Iterator[str]:
    return _documents(text_pdf.page_texts(data), documents) if data else iter(())


def _json_lines(data: bytes, name: str, documents: Documents, found: _Found) -> Iterator[str]:
    return _records(_noted(text_of(data), name, found), name, found.left)


def _parquet(data: bytes, name: str, documents: Documents, found: _Found) -> Iterator[str]:
    for _, record in parquet_records.parquet_records(data, [_COLUMN]):
        value = record[_COLUMN]
        if value is not None and not isinstance(value, str):
            raise Unreadable(f'its column "{_COLUMN}" holds {type(value).__name__}, no texts')
        if value and value.strip():
            yield value


_Format = Callable[[bytes, str, Documents, _Found], Iterator[str]]
_FORMATS: dict[str, _Format] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    **dict.fromkeys(text_markdown.SUFFIXES, _markdown),
    **dict.fromkeys(text_html.SUFFIXES, _html),
    **dict.fromkeys(text_pdf.SUFFIXES, _pdf),
    **dict.fromkeys(parquet_records.SUFFIXES, _parquet),
}


def _noted(told: tuple[str, str | None], name: str, found: _Found) -> str:
    text, note = told
    if note:
        found.note(f"{name}: {note}")
    return text


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


def _records(text: str, name: str, left: LeftOut) -> Iterator[str]:
    """The "text" of each JSON line; a broken line is left out by its number."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            left.add(f"{name}:{number}", "not JSON")
            continue
        value = record.get(_COLUMN) if isinstance(record, dict) else None
        if not isinstance(value, str):
            raise Unreadable(f'line {number} has no string "{_COLUMN}"')
        if value.strip():
            yield value
