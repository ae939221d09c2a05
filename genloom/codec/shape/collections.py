"""Collections of shapes on disk: mesh files in folders and archives with captions, and lines of
closed forms (.jsonl).

Leaves out what is broken and says why. Knows files and names; no field.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.file_walk import content
from genloom.codec.left_out import LeftOut
from genloom.codec.saving import write_atomic
from genloom.codec.shape.files import SUFFIXES, is_mesh
from genloom.codec.shape.item import Shape
from genloom.codec.shelves import METADATA, captioned, shelf_of
from genloom.errors import DataError, MissingExtra
from genloom.shape.solids import Form, form_from_json

LINES = (".jsonl", ".jsonl.gz")
LONGEST = 1 << 20  # characters of a line


def read_shapes(path: Path) -> Reading:
    """Every shape under a file, a folder or an archive. DataError when there is none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: give a folder, a .zip or a file of shapes")
    if forms := _files_of_forms(path):
        return _forms(path, forms)
    shelf = shelf_of(path, is_mesh)
    entries, skipped, notes = captioned(shelf, is_mesh)
    items, credits = [], set()
    for entry in entries:
        if not is_mesh(entry.name):
            continue
        shape = Shape(entry.source, entry.caption, entry.name)
        try:
            shape.open()
        except MissingExtra:
            raise
        except DataError as error:
            skipped[entry.name] = str(error).removeprefix(f"{entry.name}: ")
            continue
        items.append(shape)
        credits |= {entry.credit} if entry.credit else set()
    if not items:
        tried = [f"{name} ({why})" for name, why in list(skipped.items())[:3]]
        raise DataError(
            f"{path} holds no usable shape: tried {', '.join(tried) or 'nothing'}; use "
            f"{', '.join(SUFFIXES)} or lines of forms (.jsonl)"
        )
    used = [one.source for one in items if isinstance(one.source, Path)]
    return Reading(
        items=items,
        files=(*shelf.files, *used),
        skipped=skipped,
        notes=notes,
        credits=tuple(sorted(credits)),
    )


def _files_of_forms(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if any(is_mesh(p.name) or p.suffix.lower() == ".zip" for p in files):
        return []
    return [p for p in files if p.name.lower().endswith(LINES) and p.name not in METADATA]


def _forms(path: Path, files: Sequence[Path]) -> Reading:
    left, items = LeftOut(), []
    for file in files:
        for where, line in _lines(file):
            try:
                if len(line) > LONGEST:
                    raise DataError(f"a line of {len(line):,} characters")
                items.append(Shape(form_from_json(json.loads(line), "the line"), name=where))
            except (ValueError, RecursionError):
                left.add(where, "no JSON")
            except DataError as error:
                left.add(where, str(error))
    if not items:
        raise DataError(f"{path} holds no form of solids: {left.told() or 'it is empty'}")
    return left.reading(items, tuple(files))


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    try:
        text = content(str(file)).decode("utf-8", "replace")
    except Exception as error:
        raise DataError(f"{file} cannot be read: {error}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"{file.name} line {number}", line


def write_forms(forms: Sequence[Form], path: Path) -> Path:
    """A line of JSON each; packed where the path ends with .gz."""
    rows: list[dict[str, Any]] = [form.to_json() for form in forms]
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()
    packed = gzip.compress(text, mtime=0) if path.suffix == ".gz" else text
    return write_atomic(path, packed)
