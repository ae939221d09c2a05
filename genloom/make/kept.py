"""Parts that were made already, kept by what decides them and taken again.

A part is a sound file with its own record inside; its name is a hash of the model's weights and of
all that was asked. One whose content is not what its record says is made anew. Knows folders and
records; not what a part is of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.codec.sound.files import read_sound
from genloom.errors import GenloomError
from genloom.sound.wave import Sound
from genloom.trust import provenance

# What of a record decides how an item sounds.
DECIDES = ("weights", "adapter", "media", "prompt", "where", "seed", "first", "options", "given")


@dataclass(frozen=True, kw_only=True)
class Part:
    """sound, its sealed record, and whether it was there already."""

    sound: Sound
    record: Mapping[str, Any]
    again: bool = False


class Kept:
    """The parts in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def place(self, record: Mapping[str, Any]) -> Path:
        told = {key: record.get(key) for key in DECIDES}
        for given in (told["given"] or {}).values():
            given.pop("path", None)  # what is in it decides, not where it lies
        name = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
        return self.folder / f"{name[:24]}.wav"

    def find(self, record: Mapping[str, Any]) -> Part | None:
        """None where it was not made yet, or the file is damaged."""
        path = self.place(json.loads(json.dumps(record, default=str)))
        if not path.is_file():
            return None
        try:
            verdict = provenance.verify(path, known=frozenset({str(record["weights"])}))
            if not verdict.ok or verdict.model != "same" or verdict.record is None:
                return None
            sound = read_sound(path.read_bytes(), path.name)
        except (GenloomError, OSError):
            return None
        return Part(sound=sound, record=verdict.record, again=True)

    def keep(self, codec: Any, item: Any, record: Mapping[str, Any]) -> Part:
        """An item as a file, and as what is heard of that file."""
        path = self.place(json.loads(json.dumps(record, default=str)))
        provenance.save_one(codec, item, path, 0, record)
        found = self.find(record)
        if found is None:
            raise GenloomError(f"{path} was written and cannot be read: look at the disk")
        return Part(sound=found.sound, record=found.record)
