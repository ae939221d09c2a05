"""What is in a data set, JSON-ready: counts, repeats, lengths, what was left out, licences.

Joins a codec's reading with what `items` and `tokens` say of it. Knows no screen and no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom import registry
from genloom.codec.base import Reading
from genloom.data.overlap import repeats as resembling
from genloom.data.source import Manifest
from genloom.datasets import tokens
from genloom.datasets.items import collection, repeats
from genloom.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Looked:
    """told: the report. reading, codec: what it was made of."""

    told: Mapping[str, Any]
    reading: Reading
    codec: Any


def look(
    path: Path, medium: str, own: Any = None, name: str | None = None, show: int = 0
) -> Looked:
    """own, name: the codec of a model, and what it is called, to count texts in its tokens; else in
    those a small model would learn. show: so many of the first texts as they are fed."""
    codec = registry.find("codec", medium)()
    reading = codec.read(path)
    found = collection(reading.items, codec)
    told = {
        "path": str(path),
        "medium": medium,
        "items": len(reading.items),
        **_files(path, reading),
        "duplicates": sum(repeats(found.keys())),
        "skipped": dict(reading.skipped),
        "left_out": reading.left_out,
        "reasons": dict(reading.reasons),
        "notes": list(reading.notes),
        "summary": found.summary(),
        **_of_texts(reading, medium, own, name, show),
    }
    return Looked(told=told, reading=reading, codec=codec)


def _of_texts(
    reading: Reading, medium: str, own: Any, name: str | None, show: int
) -> dict[str, Any]:
    """What only texts have: near repeats, empty and one-sided items, tokens."""
    items = reading.items
    if hasattr(items, "columns") or not isinstance(items[0], str):
        if own is not None or show:
            raise UsageError("--model and --show are for texts: leave them out")
        return {}
    facts = tokens.facts(tokens.codec_for(medium, items, own), items, name, show)
    lettered = getattr(registry.find("codec", medium), "lettered", False)
    near = None if lettered else resembling(items).near
    return {"near_duplicates": near, **tokens.sides(reading), "tokens": facts}


def _files(where: Path, reading: Reading) -> dict[str, Any]:
    manifest = Manifest.of_files(where, reading.files, items=len(reading.items))
    return {"files": len(manifest.entries), "bytes": manifest.size, "licence": manifest.licence}
