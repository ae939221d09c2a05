"""What a training tells: events to listeners and a file of JSON lines.

Knows no screen: the command line draws what it hears.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """kind: "start", "step", "judge", "preview", "save", "guard", "stop", "done" or "failed";
    before them "reading", "read", "fit" and "plan", which go to listeners only."""

    kind: str
    step: int
    values: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """A listener that does nothing."""


class Log:
    """Appends each event to metrics.jsonl and passes it on; unheard, does neither."""

    def __init__(self, path: Path, listener: Listener, heard: bool = True) -> None:
        self.listener = listener
        self.file = path.open("a", encoding="utf-8") if heard else None

    def __call__(self, kind: str, step: int, **values: Any) -> None:
        if self.file is None:
            return
        line = {"time": round(time.time(), 3), "kind": kind, "step": step, **values}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        self.listener(Event(kind=kind, step=step, values=values))

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
