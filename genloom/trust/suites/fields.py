"""Fields of an item by their paths, and templates filled with them: {question}, {choices.0}.

Two braces stand for one. Nothing else has a meaning in a template. Knows no suite or file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from genloom.errors import DataError

Row = Mapping[str, Any]
_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.]*)\}")
_NOTHING = object()


def has(row: Row, path: str) -> bool:
    return _look(row, path) is not _NOTHING


def value(row: Row, path: str) -> Any:
    """What stands at a path such as "choices.text" or "tests.0". DataError where nothing does."""
    found = _look(row, path)
    if found is _NOTHING:
        known = ", ".join(map(str, row)) or "none"
        raise DataError(f"it has no field {path!r}: its fields are {known}")
    return found


def _look(row: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(row, Mapping) and key in row:
            row = row[key]
        elif isinstance(row, Sequence) and not isinstance(row, str) and key.isdigit():
            if int(key) >= len(row):
                return _NOTHING
            row = row[int(key)]
        else:
            return _NOTHING
    return row


def fill(template: str, row: Row) -> str:
    """The template with the fields of the row in their places."""

    def put(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        return _told(value(row, found[1]), found[1])

    return _PLACE.sub(put, template)


def longest(template: str, row: Row) -> str:
    """The longest of the fields that a template names."""
    paths = [path for path in _PLACE.findall(template) if path and has(row, path)]
    return max((_told(value(row, path), path) for path in paths), key=len, default="")


def _told(content: Any, path: str) -> str:
    if isinstance(content, str):
        return content
    if content is None or isinstance(content, Mapping | list | tuple):
        raise DataError(f"its field {path!r} is {_short(content)}, but a text is expected")
    return str(content)


def texts(row: Row, path: str) -> list[str]:
    """A field that lists texts; as a text itself (in a CSV file) it is JSON."""
    found = value(row, path)
    if isinstance(found, str) and found.lstrip().startswith("["):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            raise DataError(f"its field {path!r} is no list: {_short(found)}") from None
    if not isinstance(found, list | tuple) or not found:
        raise DataError(f"its field {path!r} is {_short(found)}, but a list of texts is expected")
    return [_told(one, path) for one in found]


def _short(content: Any) -> str:
    text = repr(content)
    return text if len(text) <= 60 else f"{text[:57]}..."
