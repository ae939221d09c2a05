"""A score played into a sound file: the one way from a codec's music to what can be heard.

Knows suffixes of sounds; what a note sounds like is the business of music/synthesis.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom.codec.sound.files import WRITTEN, write_sound
from genloom.music.score import Score
from genloom.music.synthesis.rendering import Rendering, render

HEARD = frozenset({".wav", ".wave", *WRITTEN})
COMPACT = 48_000  # a rate that every coding knows


def heard(path: Path) -> bool:
    """Whether the path asks for a sound."""
    return Path(path).suffix.lower() in HEARD


def write_played(
    score: Score,
    path: Path,
    record: Mapping[str, Any] | None = None,
    how: Rendering | None = None,
) -> bool:
    """True where the record went into the file. DataError where there is nothing to play."""
    suffix = Path(path).suffix.lower()
    usual = Rendering(rate=COMPACT) if suffix in (".opus",) else Rendering()
    return write_sound(render(score, how or usual), path, record)
