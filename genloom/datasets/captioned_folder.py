"""Items that lie as files of a folder, and what is told of them beside: one metadata.jsonl.

Knows folders and lines; not what an item is.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from genloom.codec.saving import write_atomic
from genloom.errors import UsageError


def write_folder(
    items: Iterable[Any],
    target: Path,
    called: str,
    told: Callable[[Any], Mapping[str, Any]],
    put: Callable[[Any, Path], Path],
) -> Path:
    """Write each under its number: as it was where it was a file (`source` is a path), else by
    `put(item, path without a suffix)`, which returns the file. told: what stands of it in
    metadata.jsonl, where it says anything. called: the items, for an error. UsageError for a target
    that looks like a file."""
    if target.suffix:
        raise UsageError(f"{target}: {called} are written to a folder: give a folder's name")
    target.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, one in enumerate(items):
        place = target / f"{number:06d}"
        if isinstance(one.source, Path):
            file = place.with_suffix(one.source.suffix.lower())
            shutil.copyfile(one.source, file)
        else:
            file = put(one, place)
        lines.append({"file_name": file.name, **{k: v for k, v in told(one).items() if v}})
    if any(len(line) > 1 for line in lines):
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_atomic(target / "metadata.jsonl", content.encode("utf-8", "replace"))
    return target
