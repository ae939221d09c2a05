"""Rows of a Parquet file as plain records, a batch at a time, only the columns that are wanted.

Knows the library that reads it; not what a record means.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator, Sequence
from typing import Any

from genloom.codec.file_walk import Unreadable
from genloom.codec.table.dataframes import pyarrow

SUFFIXES = (".parquet", ".pq")
_ROWS = 1024


def parquet_records(
    data: bytes, columns: Sequence[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number from 1, record). columns: those wanted of them that are there; None is all.
    Unreadable where it is damaged or has none of them. MissingExtra without the library."""
    arrow = pyarrow()
    parquet = importlib.import_module("pyarrow.parquet")
    number = 0
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        there = list(file.schema_arrow.names)
        wanted = there if columns is None else [name for name in columns if name in there]
        if not wanted:
            names = " or ".join(f'"{name}"' for name in columns or ())
            known = ", ".join(there[:8]) or "none"
            raise Unreadable(f"has no column {names}; its columns: {known}")
        for batch in file.iter_batches(_ROWS, columns=wanted):
            for record in batch.to_pylist():
                number += 1
                yield number, record
    except (arrow.ArrowException, OSError, ValueError) as error:
        why = (str(error).splitlines() or [""])[0][:100]
        raise Unreadable(f"is not readable as Parquet ({why})") from None
