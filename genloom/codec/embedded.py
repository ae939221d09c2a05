"""The record that stands as JSON inside an asset's own file, whatever the format.

Knows the one way in which such a text is read and how damage is told; no format, and not what a
record says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genloom.errors import DataError


def embedded(text: str | None, path: Path) -> dict[str, Any] | None:
    """The record of this text, None where there is none. DataError where it is damaged."""
    if text is None:
        return None
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise DataError(f"{path}: the record inside is damaged; it was changed after it was made")
    return record
