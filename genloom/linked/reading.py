"""Several tables from a folder, from frames, or from a file that names them.

Knows where tables lie and what each is called; not how they hang together.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom.codec.table.dataframes import as_frame
from genloom.codec.table.frame import CSV_SUFFIXES, PARQUET_SUFFIXES, read_tables
from genloom.errors import DataError


def table_files(folder: Path) -> list[Path]:
    """Every table that lies in a folder itself, by name."""
    ends = CSV_SUFFIXES + PARQUET_SUFFIXES
    found = (p for p in folder.iterdir() if p.is_file() and p.name.lower().endswith(ends))
    return sorted(p for p in found if not p.name.startswith("."))


def read_all(data: Any) -> tuple[dict[str, Any], tuple[Path, ...], list[str]]:
    """Name -> frame, the files, and what was left out or taken otherwise. A table is called as its
    file is, without the ending."""
    if isinstance(data, Mapping):
        return {str(name): as_frame(frame) for name, frame in data.items()}, (), []
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: give a folder with a CSV or Parquet file a table")
    files = table_files(folder)
    if len(files) < 2:
        raise DataError(
            f"{folder} holds {len(files)} tables: give two or more, or learn one by  genloom train "
            "table"
        )
    frames: dict[str, Any] = {}
    notes = []
    for file in files:
        name = file.name.partition(".")[0]
        if name in frames:
            raise DataError(f"{folder} has two files for the table {name}: keep one of them")
        found = read_tables(file)
        frames[name] = found.items
        notes += list(found.notes)
        notes += [f"{place}: {why}" for place, why in list(found.skipped.items())[:3]]
    return frames, tuple(files), notes
