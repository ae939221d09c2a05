"""Linked tables to a folder of files, a block at a time: all of them, or nothing.

Knows CSV and Parquet; holds no more than a block.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from genloom.codec.table.dataframes import pyarrow
from genloom.errors import ResourceError, UsageError
from genloom.folders import sync, write_json

SUFFIXES = (".csv", ".parquet")
RECORD = "record.genloom.json"


def write_tables(
    blocks: Iterable[tuple[str, Any]],
    folder: Path,
    suffix: str = ".csv",
    record: Mapping[str, Any] | None = None,
) -> dict[str, int]:
    """A file a table into a new folder, and their record beside them; the rows of each. UsageError
    where something is there already."""
    if suffix not in SUFFIXES:
        raise UsageError(f"tables are written as {' or '.join(SUFFIXES)}, not {suffix!r}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already: give a new folder with -o")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise ResourceError(f"{folder} cannot be written ({error.strerror})") from error
    try:
        counts = _written(blocks, draft, suffix)
        if record is not None:
            write_json(draft / RECORD, {**record, "rows": counts})
        sync(draft)
        draft.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except OSError as error:
        raise ResourceError(f"{folder} cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return counts


def _written(blocks: Iterable[tuple[str, Any]], folder: Path, suffix: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    with ExitStack() as after:
        files: dict[str, Any] = {}
        for name, frame in blocks:
            if name not in files:
                path = folder / f"{name}{suffix}"
                files[name] = _Csv(path) if suffix == SUFFIXES[0] else _Parquet(path, frame)
                after.callback(files[name].close)
                counts[name] = 0
            files[name].add(frame)
            counts[name] += len(frame)
    return counts


class _Csv:
    def __init__(self, path: Path) -> None:
        self.file = path.open("w", encoding="utf-8", newline="")
        self.begun = False

    def add(self, frame: Any) -> None:
        frame.to_csv(self.file, index=False, header=not self.begun, lineterminator="\n")
        self.begun = True

    def close(self) -> None:
        self.file.close()


class _Parquet:
    """Types are those of the first block."""

    def __init__(self, path: Path, frame: Any) -> None:
        self.arrow = pyarrow()
        self.schema = self.arrow.Table.from_pandas(frame, preserve_index=False).schema
        self.writer = importlib.import_module("pyarrow.parquet").ParquetWriter(path, self.schema)

    def add(self, frame: Any) -> None:
        table = self.arrow.Table.from_pandas(frame, self.schema, preserve_index=False, safe=False)
        self.writer.write_table(table)

    def close(self) -> None:
        self.writer.close()
