"""FASTA read as it comes: record after record, whatever the length of a line, plain or gzip.

A file is read in blocks: a line of a hundred million letters needs no more than its letters.
Bare lines (a sequence a line) are read where no header stands. Knows no alphabet and no model.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from genloom.errors import DataError

SUFFIXES = (".fasta", ".fa", ".faa", ".fna", ".ffn", ".frn", ".fas", ".mpfa")
BARE = (".txt", ".csv", ".seq")
BLOCK = 1 << 17  # bytes
LONGEST_HEADER = 1 << 16  # bytes; what is more is passed over
MOST_LETTERS = 1 << 31
_SPACE = b" \t\r\n\v\f\0"
_UPPER = bytes(range(256)).upper()


@dataclass(frozen=True)
class Record:
    """header: without its sign; data: letters as they stand, upper case; masked: how many of them
    were lower case; counts: long [256], of each byte; line: of its header."""

    header: str
    data: bytes
    masked: int
    counts: np.ndarray
    line: int


def is_fasta(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def opened(path: Path) -> IO[bytes]:
    """A file, unpacked where it is packed."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path) if packed else path.open("rb"))


def records(path: Path) -> Iterator[Record]:
    """Every record of a file, empty ones too. DataError where it cannot be read."""
    try:
        with opened(path) as file:
            yield from _records(file, path)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path} cannot be read ({why}): check the file") from None


def records_in(text: bytes, name: str) -> Iterator[Record]:
    """Of what is in memory."""
    yield from _records(io.BytesIO(text), Path(name))


class _Open:
    """A record that is being read."""

    def __init__(self, header: str, line: int) -> None:
        self.header, self.line = header, line
        self.pieces: list[bytes] = []
        self.masked = self.size = 0
        self.counts = np.zeros(256, np.int64)

    def add(self, piece: bytes) -> None:
        plain = piece.translate(None, _SPACE)
        if not plain:
            return
        upper = plain.translate(_UPPER)
        found = np.frombuffer(plain, np.uint8)
        self.masked += int(((found >= 97) & (found <= 122)).sum())
        self.counts += np.bincount(np.frombuffer(upper, np.uint8), minlength=256)
        self.pieces.append(upper)
        self.size += len(upper)

    def close(self) -> Record:
        return Record(self.header, b"".join(self.pieces), self.masked, self.counts, self.line)


def _records(file: IO[bytes], path: Path) -> Iterator[Record]:
    now: _Open | None = None
    bare, number, total, start = False, 0, 0, True
    while piece := file.readline(BLOCK):
        fresh, start = start, piece.endswith(b"\n")
        number += fresh
        if fresh and piece[:1] == b">":
            if bare:
                raise DataError(
                    f"{path}, line {number}: a header after lines without one: give FASTA, or a "
                    "sequence a line"
                )
            if now is not None:
                yield now.close()
            start = start or _passed(file)
            now = _Open(piece[1:LONGEST_HEADER].decode("utf-8", "replace").strip(), number)
            continue
        if fresh and piece[:1] == b";" and (now is None or not now.size):
            start = start or _passed(file)
            continue
        if now is None:
            if not piece.strip():
                continue
            bare = True
        if bare and fresh:
            if now is not None and now.size:
                yield now.close()
            now = _Open("", number)
        assert now is not None
        now.add(piece)
        total += len(piece)
        if total > MOST_LETTERS:
            raise DataError(f"{path} has more than {MOST_LETTERS:,} letters: give a part of it")
    if now is not None and (now.size or not bare):
        yield now.close()


def _passed(file: IO[bytes]) -> bool:
    """Pass over the rest of a line."""
    while (rest := file.readline(BLOCK)) and not rest.endswith(b"\n"):
        pass
    return True
