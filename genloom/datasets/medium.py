"""Which medium the files of a data set hold, told by their suffixes and by what records are named.

The only table of the kind. Knows names and first lines; reads no item.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from genloom.codec.image.pictures import SUFFIXES
from genloom.codec.molecule.files import COLUMNS, LINES, SD
from genloom.codec.sequence.fasta import SUFFIXES as SEQUENCES
from genloom.codec.shape.files import SUFFIXES as SHAPES
from genloom.codec.sound.files import SUFFIXES as SOUNDS
from genloom.codec.table.frame import CSV_SUFFIXES, PARQUET_SUFFIXES
from genloom.codec.video.collections import ARRAYS
from genloom.codec.video.containers import SUFFIXES as FILMS

DEFAULT = "text"
RECORDS = (".jsonl", ".jsonl.gz", ".ndjson")
# What a record of each medium has, the most telling first.
FIELDS = {
    "preference": {"chosen"},
    "chat": {"messages", "conversations", "conversation", "completion", "response", "answer"},
    "pair": {"target"},
    "shape": {"solids"},
    "drive": {"movers"},
}
HEADINGS = {"molecule": set(COLUMNS[:4])}  # a column so called tells a table of these
SHOWN = 4  # endings that are named
PICTURES = (".zip", ".idx3-ubyte", "-idx3-ubyte", "-idx3-ubyte.gz")


def detected(path: Path) -> str:
    """The medium alone."""
    return guessed(path)[0]


def guessed(path: Path) -> tuple[str, str]:
    """The medium of most files, by their suffixes, and of records by what the first one holds; a
    text where nothing tells. With the reason in a line."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    suffixes = _suffixes()
    counts = Counter(
        medium
        for file in files
        for medium, ends in suffixes.items()
        if file.name.lower().endswith(ends)
    )
    if not counts:
        return DEFAULT, "no file's name tells: read as text"
    found, many = counts.most_common(1)[0]
    records = next((f for f in sorted(files) if f.name.lower().endswith(RECORDS)), None)
    if found == next(reversed(suffixes)) and records is not None:
        return _of_record(records)
    tables = [f for f in sorted(files) if f.name.lower().endswith(CSV_SUFFIXES)]
    if tables and set(CSV_SUFFIXES) <= set(suffixes[found]):
        headed = _of_heading(tables[0])
        if headed is not None:
            return headed
    ends = ", ".join(sorted({_ending(f, suffixes[found]) for f in files} - {""})[:SHOWN])
    return found, f"{many:,} of {len(files):,} files end with {ends}"


def _ending(file: Path, ends: tuple[str, ...]) -> str:
    """The longest of the endings that the file has."""
    return max((e for e in ends if file.name.lower().endswith(e)), key=len, default="")


def _of_heading(file: Path) -> tuple[str, str] | None:
    """By the names of a table's columns; None where they tell nothing."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            heading = lines.readline(1 << 16).decode("utf-8", "replace")
    except (OSError, ValueError, EOFError):
        return None
    names = {cell.strip().strip('"').lower() for cell in heading.replace("\t", ",").split(",")}
    for medium, keys in HEADINGS.items():
        if told := sorted(names & keys):
            return medium, f"the table has a column {told[0]}"
    return None


def _of_record(file: Path) -> tuple[str, str]:
    """By the names in the first record."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            record = json.loads(lines.readline(1 << 24))
    except (OSError, ValueError, EOFError, RecursionError):
        return DEFAULT, "the first record cannot be read: read as text"
    names = set(record) if isinstance(record, Mapping) else set()
    for medium, keys in FIELDS.items():
        if told := sorted(names & keys):
            return medium, f"the first record has {', '.join(told)}"
    return DEFAULT, "records of text"


def _suffixes() -> dict[str, tuple[str, ...]]:
    """Medium -> how its files' names end; texts come last."""
    return {
        "image": (*sorted(SUFFIXES), *PICTURES),
        "video": (*sorted(FILMS), ARRAYS),
        "sound": tuple(sorted(SOUNDS)),
        "shape": SHAPES,
        "sequence": (*SEQUENCES, *(f"{one}.gz" for one in SEQUENCES)),
        "molecule": (*LINES, *(f"{one}.gz" for one in LINES), *SD),
        "table": (*CSV_SUFFIXES, *PARQUET_SUFFIXES),
        "python": (".py",),
        DEFAULT: (".txt", ".md", ".jsonl", ".txt.gz", ".rst", ".html"),
    }
