"""What is known of a folder of tables before anything learns from them, JSON-ready.

Shows what `training.understand` would find, and goes on where that would refuse. Knows no screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genloom.codec.table.frame import read_head
from genloom.errors import DataError
from genloom.linked.detecting import detect
from genloom.linked.integrity import orphans_of
from genloom.linked.reading import read_all, table_files
from genloom.linked.schema import Schema, ordered


def several(path: Path) -> bool:
    """Whether a folder holds tables of unlike columns: they are several, not one in parts."""
    if not path.is_dir():
        return False
    heads = [read_head(file) for file in table_files(path)]
    known = [head for head in heads if head is not None]
    return len(known) > 1 and any(head != known[0] for head in known)


def describe(path: Path) -> dict[str, Any]:
    """tables: name, rows, columns, key and time; links: where they lead, the children of a row,
    orphans and gaps; notes: what stands in the way of learning."""
    frames, files, notes = read_all(path)
    schema = Schema(tables=detect(frames))
    try:
        ordered(schema.tables)
    except DataError as error:
        notes.append(str(error))
    links = []
    for table in schema.tables:
        for link in table.links:
            frame, parent = frames[table.name], schema[link.parent]
            held = frame[link.column].value_counts()
            own = frames[link.parent]
            try:
                lost = int(orphans_of(frame, link, own, parent).sum())
            except DataError as error:
                notes.append(f"{table.name}: {error}")
                lost = int(frame[link.column].notna().sum())
            if lost:
                notes.append(f"{lost:,} rows of {table.name} have a {link.column} that is no key")
            links.append(
                {
                    "table": table.name,
                    "column": link.column,
                    "parent": link.parent,
                    "key": parent.key,
                    "owner": link == table.owner,
                    "fewest": 0 if len(held) < len(own) else int(held.min()),
                    "most": int(held.max()) if len(held) else 0,
                    "mean": len(frame) / max(1, len(own)),
                    "orphans": lost,
                    "missing": int(frame[link.column].isna().sum()),
                }
            )
    tables = [
        {
            "name": table.name,
            "rows": len(frames[table.name]),
            "columns": {str(c): str(frames[table.name][c].dtype) for c in frames[table.name]},
            "key": table.key,
            "time": table.time,
        }
        for table in schema.tables
    ]
    return {
        "path": str(path),
        "files": [file.name for file in files],
        "tables": tables,
        "links": links,
        "notes": notes,
    }
