"""A table written part by part, so that no more than a part is ever held: CSV or Parquet.

The file has its name only when all of it is there. Knows files and frames; not where parts come
from.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from genloom.codec.table.dataframes import pyarrow
from genloom.codec.table.frame import CSV_SUFFIXES, PARQUET_SUFFIXES
from genloom.errors import RequestError, ResourceError


def streams(path: Path) -> bool:
    """Whether a file of this name can be written in parts."""
    return path.name.lower().endswith((*CSV_SUFFIXES, *PARQUET_SUFFIXES))


class TableWriter:
    """A context; `add` parts of the same columns. What is left of a failure is removed."""

    def __init__(self, path: Path) -> None:
        if not streams(path):
            raise RequestError(f"{path.name}: tables are written as .csv, .tsv or .parquet")
        self.path, self.rows = path, 0
        self._temporary: Path | None = None
        self._file: Any = None
        self._parquet: Any = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        except OSError as error:
            raise self._failed(error) from error
        self._temporary = Path(name)
        raw = os.fdopen(handle, "wb")
        packed = self.path.name.lower().endswith(".gz")
        self._raw = raw
        self._file = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") if packed else raw
        return self

    def add(self, frame: Any) -> None:
        """The next rows."""
        try:
            if self.path.name.lower().endswith(PARQUET_SUFFIXES):
                self._add_parquet(frame)
            else:
                tabbed = (".tsv", ".tab", ".tsv.gz")
                comma = "\t" if self.path.name.lower().endswith(tabbed) else ","
                text = frame.to_csv(
                    index=False, sep=comma, header=not self.rows, lineterminator="\n"
                )
                self._file.write(text.encode())
        except OSError as error:
            raise self._failed(error) from error
        self.rows += len(frame)

    def _add_parquet(self, frame: Any) -> None:
        arrow = pyarrow()
        into: Any = self._parquet
        schema = None if into is None else into.schema
        table = arrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
        if into is None:
            parquet = importlib.import_module("pyarrow.parquet")
            into = self._parquet = parquet.ParquetWriter(self._file, table.schema)
        into.write_table(table)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._temporary is not None
        try:
            if self._parquet is not None:
                self._parquet.close()
            if self._file is not self._raw:
                self._file.close()
            if kind is None:
                self._raw.flush()
                os.fsync(self._raw.fileno())
                self._raw.close()
                os.chmod(self._temporary, 0o644)
                os.replace(self._temporary, self.path)
        except OSError as found:
            raise self._failed(found) from found
        finally:
            with contextlib.suppress(OSError):
                self._raw.close()
            self._temporary.unlink(missing_ok=True)

    def _failed(self, error: OSError) -> ResourceError:
        why = error.strerror or str(error)
        return ResourceError(f"cannot write {self.path}: {why}; make room or go elsewhere")
