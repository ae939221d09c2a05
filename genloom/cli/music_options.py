"""Flags of `genloom generate` that are about music.

Knows how they are written on a command line; what they do is the codec's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclopts import Parameter

from genloom.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MusicOptions:
    """Flags that music is played by.

    Parameters
    ----------
    instrument
        Who plays it, by name: flute; of several parts "flute, strings, bass".
    tempo
        Quarter notes a minute.
    melody
        A file (ABC, MIDI, MusicXML) to go on from or, with --where, to make parts of anew:
        "bars=5-8", "keep=soprano".
    tries
        So many are drawn for each that is kept: the tune whose key a key finder finds best, the
        chorale with the fewest parallel fifths and octaves, the driving scene that is as asked and
        possible (usually 4).
    """

    instrument: str | None = None
    tempo: float | None = None
    melody: str | None = None
    tries: int | None = None

    def fields(self) -> dict[str, Any]:
        """What `api.request_of` takes."""
        told: dict[str, Any] = {"instrument": self.instrument, "tempo": self.tempo}
        told["tries"] = self.tries
        if self.melody is not None:
            path = Path(self.melody).expanduser()
            if not path.is_file():
                raise UsageError(f"--melody {self.melody}: there is no such file")
            told["item"] = path
        return {name: value for name, value in told.items() if value is not None}
