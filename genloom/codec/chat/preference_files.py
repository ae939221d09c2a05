"""Files of preferences: JSON lines, lists and Parquet with a chosen and a rejected answer.

Files are `records`, what a record means is `preference_item`. Knows no template or token. Pairs
that are equal or lack an answer are left out by their number and with the reason.
"""

from __future__ import annotations

from pathlib import Path

from genloom.codec.base import Reading
from genloom.codec.chat.preference_item import preference
from genloom.codec.records import read_records


def read_preferences(path: Path) -> Reading:
    """Every preference under a file or a folder, in order of the paths. DataError when none."""
    shapes = 'JSON lines with "prompt", "chosen" and "rejected"'
    return read_records(path, preference, "preferences", shapes)
