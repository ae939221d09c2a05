"""What a search has found so far: every item that was scored, once, as JSON lines on disk.

An item is told by its codec's key, so that two ways to write one are one. A line is written before
the next item is asked about: a killed search has lost none of its scores. Knows no model.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from genloom.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """item: as text; score: None where it could not be scored; step: in which it was proposed;
    bucket: what is much alike shares one; reproach: why nobody would take it, or ""."""

    key: str
    item: str
    score: float | None
    step: int
    bucket: str = ""
    reproach: str = ""

    @property
    def good(self) -> bool:
        return self.score is not None and not self.reproach


@dataclass
class Archive:
    """Entries in the order in which they were scored. drawn: by step, how many items were proposed
    and how many of them are none."""

    file: Path | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    drawn: dict[int, tuple[int, int]] = field(default_factory=dict)
    _out: IO[str] | None = None

    @classmethod
    def open(cls, file: Path, resume: bool) -> Archive:
        """The archive in a file; what a crash left of a last line is cut away."""
        made = cls(file)
        if resume and file.exists():
            kept = 0
            for line in file.read_bytes().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break
                try:
                    made._take(json.loads(line))
                except (ValueError, TypeError, KeyError):
                    raise DataError(f"{file} is damaged: begin anew in another folder") from None
                kept += len(line)
            os.truncate(file, kept)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
        made._out = file.open("a", encoding="utf-8")
        return made

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def _take(self, values: dict[str, Any]) -> None:
        """A line of the file."""
        if "drawn" in values:
            self.drawn[int(values["step"])] = int(values["drawn"]), int(values["improper"])
        else:
            entry = Entry(**values)
            self.entries[entry.key] = entry

    def add(self, some: list[Entry]) -> None:
        """Keep them, on disk at once."""
        for entry in some:
            self.entries[entry.key] = entry
        self._write([asdict(entry) for entry in some])

    def count(self, step: int, drawn: int, improper: int) -> None:
        """Keep how many items a step proposed, and how many of them are none."""
        self.drawn[step] = drawn, improper
        self._write([{"step": step, "drawn": drawn, "improper": improper}])

    def _write(self, lines: list[dict[str, Any]]) -> None:
        if self._out is not None:
            self._out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            self._out.flush()
            os.fsync(self._out.fileno())

    @property
    def proposed(self) -> int:
        return sum(drawn for drawn, _ in self.drawn.values())

    @property
    def improper(self) -> int:
        return sum(improper for _, improper in self.drawn.values())

    def before(self, step: int) -> Archive:
        """What was known before a step."""
        some = {k: e for k, e in self.entries.items() if e.step < step}
        return Archive(None, some)

    def best(self, count: int, each: int = 0) -> list[Entry]:
        """The best that somebody would take; each: of one bucket at most, 0 any number."""
        ranked = sorted((e for e in self if e.good), key=lambda e: -(e.score or 0.0))
        if not each:
            return ranked[:count]
        out: list[Entry] = []
        held: Counter[str] = Counter()
        for entry in ranked:
            if held[entry.bucket] < each:
                held[entry.bucket] += 1
                out.append(entry)
            if len(out) == count:
                break
        return out

    def close(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None


def told(entry: Entry) -> dict[str, Any]:
    """For people and JSON: without what only the search needs."""
    return {"item": entry.item, "score": entry.score, "step": entry.step}
