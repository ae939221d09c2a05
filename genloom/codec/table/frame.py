"""Tables in files: CSV and Parquet in, CSV and Parquet out.

Knows delimiters, encodings, ragged rows and column names; gives a DataFrame and says what it left
out. Knows nothing of what columns mean.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import threading
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.saving import write_atomic
from genloom.codec.table.dataframes import distinct_names, pandas, pyarrow
from genloom.errors import DataError, RequestError

CSV_SUFFIXES = (".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "#N/A", "<NA>")
RECORD_KEY = b"genloom"
_DELIMITERS = ",;\t|"
_LONGEST_CELL = 1 << 28
_FIELD_LIMIT = threading.Lock()  # the limit of the csv module is one for the whole process


class _Unreadable(Exception):
    """A file that cannot be used; the text is the reason."""


def read_tables(path: Path) -> Reading:
    """The rows of a file, or of all files of a folder that have the same columns."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give a CSV or Parquet file")
    files = _files(path) if path.is_dir() else [path]
    if not files:
        tried = ", ".join(sorted(p.name for p in path.iterdir())[:5]) or "nothing"
        raise DataError(f"no table in {path}: it holds {tried}; give .csv or .parquet files")
    frames, used, skipped, notes = [], [], {}, []
    for file in files:
        try:
            before = _stamp(file)
            frame, said, dropped = _read(file)
            if _stamp(file) != before:
                raise DataError(f"{file} changed while it was read: wait until it is whole")
            if frames and list(frame.columns) != list(frames[0].columns):
                raise _Unreadable(f"its columns are not those of {used[0].name}")
        except _Unreadable as error:
            skipped[str(file)] = str(error)
            continue
        frames.append(frame)
        used.append(file)
        notes += [f"{file.name}: {note}" for note in said]
        skipped.update({f"{file.name}, {place}": why for place, why in dropped.items()})
    if not frames:
        reasons = "; ".join(f"{Path(name).name} {why}" for name, why in list(skipped.items())[:5])
        raise DataError(f"no readable table at {path}: {reasons}; give a CSV or Parquet with rows")
    pd = pandas()
    items = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return Reading(items=items, files=tuple(used), skipped=skipped, notes=tuple(notes))


def read_head(file: Path) -> list[str] | None:
    """The names of a table's columns, from the beginning of its file; None where it has none."""
    try:
        if file.name.lower().endswith(PARQUET_SUFFIXES):
            pyarrow()
            return list(importlib.import_module("pyarrow.parquet").read_schema(file).names)
        opened: Any = gzip.open if file.name.lower().endswith(".gz") else open
        with opened(file, "rb") as handle:
            line = handle.readline(1 << 20).decode("utf-8-sig", "replace").strip()
    except (OSError, EOFError, ValueError, zlib.error):
        return None
    return next(_rows(line, _delimiter(line)), None) if line else None


def _stamp(file: Path) -> tuple[int, int]:
    """What tells that a file is another."""
    try:
        found = file.stat()
    except OSError as error:
        raise _Unreadable(f"cannot be opened ({error})") from None
    return found.st_mtime_ns, found.st_size


def write_table(frame: Any, path: Path, record: Mapping[str, Any] | None) -> bool:
    """CSV or Parquet by the suffix; True where the record is inside the file (Parquet).
    RequestError for the suffix of something else, which the file would not be."""
    path = Path(path)
    if path.suffix and not path.name.lower().endswith((*CSV_SUFFIXES, *PARQUET_SUFFIXES, ".txt")):
        raise RequestError(f"{path.name}: tables are written as .csv, .tsv or .parquet")
    if path.name.lower().endswith(PARQUET_SUFFIXES):
        write_atomic(path, _parquet_bytes(frame, record))
        return record is not None
    separator = "\t" if path.name.lower().endswith((".tsv", ".tab", ".tsv.gz")) else ","
    content = frame.to_csv(index=False, sep=separator, lineterminator="\n").encode()
    packed = path.name.lower().endswith(".gz")
    write_atomic(path, gzip.compress(content, mtime=0) if packed else content)
    return False


def _parquet_bytes(frame: Any, record: Mapping[str, Any] | None) -> bytes:
    arrow = pyarrow()
    table = arrow.Table.from_pandas(frame, preserve_index=False)
    if record is not None:
        text = json.dumps(record, ensure_ascii=False).encode()
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), RECORD_KEY: text})
    sink = io.BytesIO()
    importlib.import_module("pyarrow.parquet").write_table(table, sink)
    return sink.getvalue()


def _files(folder: Path) -> list[Path]:
    known = CSV_SUFFIXES + PARQUET_SUFFIXES
    tables = (p for p in folder.rglob("*") if p.name.lower().endswith(known) and p.is_file())
    return sorted(p for p in tables if not _hidden(p.relative_to(folder)))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _read(file: Path) -> tuple[Any, list[str], dict[str, str]]:
    """Frame, notes, and the rows left out with the reason."""
    try:
        if file.name.lower().endswith(PARQUET_SUFFIXES):
            frame, dropped = _parquet(file), {}
            names, notes = distinct_names([str(name) for name in frame.columns])
            frame = frame.set_axis(names, axis=1)
        else:
            frame, notes, dropped = _csv(file)
    except (OSError, EOFError, zlib.error) as error:
        raise _Unreadable(f"cannot be opened ({error})") from None
    if not len(frame):
        raise _Unreadable("has column names but no rows")
    return frame, notes, dropped


def _parquet(file: Path) -> Any:
    arrow = pyarrow()
    try:
        return importlib.import_module("pyarrow.parquet").read_table(file).to_pandas()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _Unreadable(f"is not readable as Parquet ({str(error).splitlines()[0]})") from None


def _csv(file: Path) -> tuple[Any, list[str], dict[str, str]]:
    text, notes = _text(file)
    delimiter = _delimiter(text)
    table, header, dropped = _even_rows(text, delimiter)
    if header is None:
        raise _Unreadable("is empty")
    names, said = distinct_names(header)
    notes += said
    if dropped:
        first = ", ".join(list(dropped)[:3])
        notes.append(f"{len(dropped)} rows left out for another number of cells ({first} ...)")
    if not any(_is_text(name) for name in header):
        notes.append("the first row looks like data, not names: it was taken as names")
    return _typed(table, names, delimiter), notes, dropped


def _typed(text: str, names: list[str], delimiter: str) -> Any:
    pd = pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        frame = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            header=0,
            names=names,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=list(MISSING),
            dtype_backend="numpy_nullable",
            low_memory=False,
        )
    return frame.astype({name: _settled(frame[name]) for name in frame.columns})


def _settled(series: Any) -> Any:
    """numpy dtypes where nothing is missing; whole numbers with gaps stay whole (Int64)."""
    plain = {"Int64": "int64", "UInt64": "uint64", "boolean": "bool"}
    name = str(series.dtype)
    if name == "Float64":
        return "float64"
    if name == "string":
        return "str"
    return name if series.isna().any() else plain.get(name, name)


def _text(file: Path) -> tuple[str, list[str]]:
    raw = file.read_bytes()
    if file.name.lower().endswith(".gz"):
        raw = gzip.decompress(raw)
    if not raw.strip():
        raise _Unreadable("is empty")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decoded(raw, "utf-16"), ["read as UTF-16"]
    if b"\0" in raw[:65536]:
        raise _Unreadable("is not text")
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        note = f"not UTF-8 (byte {error.start}), read as Latin-1: check letters with accents"
        return raw.decode("latin-1"), [note]


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise _Unreadable(f"is broken {encoding.upper()} text") from None


def _delimiter(text: str) -> str:
    """The one that cuts the first rows into the same number of cells, the most of them."""
    head = "\n".join(text[:1_000_000].splitlines()[:50])

    def score(delimiter: str) -> tuple[float, int]:
        counts = Counter(len(row) for row in _rows(head, delimiter) if row)
        width, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        return (times / max(counts.total(), 1) if width > 1 else 0.0, width)

    return max(_DELIMITERS, key=score)


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    with _FIELD_LIMIT:
        before = csv.field_size_limit(_LONGEST_CELL)
        try:
            yield from csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
        except csv.Error as error:
            raise _Unreadable(f"is not readable as CSV ({error})") from None
        finally:
            csv.field_size_limit(before)


def _even_rows(text: str, delimiter: str) -> tuple[str, list[str] | None, dict[str, str]]:
    """The table with rows of one width only, its header, and the rows of another width."""
    header: list[str] | None = None
    odd: dict[str, str] = {}
    even = 0
    for place, row in enumerate(_rows(text, delimiter)):
        if header is None:
            header = row if any(row) else None
        elif row and len(row) != len(header):
            odd[f"row {place + 1}"] = f"has {len(row)} cells, the header {len(header)}"
        else:
            even += bool(row)
    if odd and not even:
        raise _Unreadable(f"has no row as wide as its header (row 2 {next(iter(odd.values()))})")
    if header is not None and (odd or text[:1] in "\r\n" or not text[:200].strip(delimiter)):
        text = _rewritten(text, delimiter, len(header))
    return text, header, odd


def _rewritten(text: str, delimiter: str, width: int) -> str:
    out = io.StringIO()
    rows = (row for row in _rows(text, delimiter) if any(row) and len(row) == width)
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _is_text(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return True
    return False
