"""Finished tables for other programs: as JSON, and as CSV in which no cell is a formula.

Knows CSV and Parquet as the table codec writes them; no column's meaning.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from genloom.errors import MissingExtra
from genloom.server.failure import Failure

csv.field_size_limit(1 << 24)
PARQUET, LARGEST = b"PAR1", 256 << 20  # how Parquet begins; bytes of a table
TABLES = ("text/csv", "application/vnd.apache.parquet")


def rows_of(data: bytes) -> tuple[bytes, str]:
    """CSV as a JSON list of objects: what is written as a number is one, what is empty is null."""
    lines = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    names = next(lines, [])
    rows = [dict(zip(names, map(_cell, line), strict=True)) for line in lines]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode(), "application/json"


# --- cells that a spreadsheet would run -----------------------------------------------------------

ACTIVE = tuple("=+-@\t\r\n|\uff1d\uff0b\uff0d\uff20")  # the last four are wide forms of the first
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def guarded(data: bytes) -> tuple[bytes, str]:
    """CSV in which a text that a spreadsheet would take for a formula has a ' before it."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    for line in csv.reader(io.StringIO(data.decode("utf-8"), newline="")):
        lines.writerow([_inert(cell) for cell in line])
    return out.getvalue().encode(), "text/csv; charset=utf-8"


def _inert(cell: str) -> str:
    first = cell.lstrip(" ")[:1]
    return f"'{cell}" if first in ACTIVE and not NUMBER.fullmatch(cell.strip()) else cell


def exported(path: Path, format: str) -> tuple[bytes, str]:
    """The table at the path in a format of FORMATS. Failure 413 where it is too large, 400 where it
    is no table after all."""
    try:
        if path.stat().st_size > LARGEST:
            raise Failure(413, f"tables up to {LARGEST >> 20} MiB are exported", code="too_large")
        return FORMATS[format](csv_of(path.read_bytes()))
    except FileNotFoundError:
        raise Failure(404, "it was deleted meanwhile", code="content_not_found") from None
    except (csv.Error, ValueError) as error:
        raise Failure(400, "it does not read as a table", code="invalid_table") from error


def csv_of(data: bytes) -> bytes:
    """A table as CSV; Parquet is known by its beginning."""
    if data[: len(PARQUET)] != PARQUET:
        return data
    try:
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("pyarrow", "tables") from None
    out = io.BytesIO()
    pyarrow.csv.write_csv(pyarrow.parquet.read_table(io.BytesIO(data)), out)
    return out.getvalue()


# --- as JSON --------------------------------------------------------------------------------------

WORDS = {"": None, "True": True, "False": False}


def _cell(text: str) -> Any:
    """A number only where it would be written in the same way: 007 stays a text."""
    if text in WORDS:
        return WORDS[text]
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and text not in ("nan", "inf", "-inf"):
            return value
    return text


FORMATS = {"csv": guarded, "json": rows_of}
