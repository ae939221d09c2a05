"""Finished tables as JSON. Knows CSV as the table codec writes it; no column's meaning."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

csv.field_size_limit(1 << 24)


def rows_of(data: bytes) -> tuple[bytes, str]:
    """CSV as a JSON list of objects: what is written as a number is one, what is empty is null."""
    lines = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    names = next(lines, [])
    rows = [dict(zip(names, map(_cell, line), strict=True)) for line in lines]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode(), "application/json"


WORDS = {"": None, "True": True, "False": False}


def _cell(text: str) -> Any:
    """A number only where it would be written in the same way: 007 stays a text."""
    if text in WORDS:
        return WORDS[text]
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and text not in ("nan", "inf", "-inf"):
            return value
    return text
