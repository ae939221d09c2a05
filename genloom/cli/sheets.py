"""`genloom generate --sheet`: all pictures as frames of one, with the list that games read.

Knows names of files; the layout is the codec's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom.errors import UsageError

SUFFIXES = (".png", ".webp")  # those that keep a background one sees through


def check(codec: Any, target: str | None, columns: int | None) -> None:
    """UsageError where no sheet can be made, before anything is."""
    if not hasattr(codec, "sheet"):
        raise UsageError("--sheet joins pictures, which this model makes none of: leave it out")
    if columns is not None and columns < 1:
        raise UsageError(f"--columns is {columns}: give at least 1")
    if target is not None and Path(target).suffix.lower() not in SUFFIXES:
        raise UsageError(f"--sheet writes one file: give -o a name that ends in .png, not {target}")


def write(
    codec: Any, items: Any, path: Path, columns: int | None, record: Mapping[str, Any] | None
) -> list[Path]:
    """The sheet, with the record inside where there is one, and beside it its list of frames."""
    from genloom.trust import provenance

    sheet = codec.sheet(items, columns)
    if record is None:
        codec.write(sheet.image, path)
    else:
        told = {**record, provenance.SHEET: {"columns": sheet.columns}}
        provenance.save(codec, sheet.image, path, told)
    return [path, sheet.write_atlas(path.with_suffix(".json"), path.name)]
