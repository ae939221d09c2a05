"""What assets are looked for by: columns that are read out of an asset's record when it is stored.

Knows the keys of a record and nothing of the database. What a record says may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_PROMPT, LONGEST_NAME, MOST_WORDS = 2000, 300, 8000  # characters


def columns_of(
    record: Mapping[str, Any] | None, media: str, labels: Sequence[str] = ()
) -> dict[str, Any]:
    """The searchable columns of an asset. made: it has a record of its own, so it is neither a file
    that came along with a request nor a copy in another format."""
    record = record if isinstance(record, Mapping) else {}
    inner = record.get("record")
    told = inner if "from" in record and isinstance(inner, Mapping) else record
    model, weights = _text(told.get("model")), _text(told.get("weights"))
    prompt, seed = told.get("prompt"), told.get("seed")
    columns = {
        "model": model,
        "weights": weights,
        "prompt": str(prompt)[:LONGEST_PROMPT] if prompt is not None else None,
        "seed": str(seed)[:LONGEST_NAME] if type(seed) is int else None,
        "made": int(told is record and bool(weights)),
    }
    return {**columns, "words": words_of({**columns, "media": media}, labels)}


def words_of(columns: Mapping[str, Any], labels: Sequence[str]) -> str:
    """One text in which every word of a query is looked for."""
    parts = [columns[name] for name in ("prompt", "model", "seed", "media")]
    return "\n".join(part for part in (*parts, *labels) if part).casefold()[:MOST_WORDS]


def patterns(query: str) -> list[str]:
    """The words of a query, for LIKE."""
    return [f"%{literal(word)}%" for word in query.casefold().split()]


def literal(text: str) -> str:
    """A text for LIKE, with \\ before what would mean something there."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _text(value: object) -> str | None:
    return value[:LONGEST_NAME] if isinstance(value, str) and value else None
