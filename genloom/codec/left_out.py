"""What a reader leaves out: every one counted by its reason, the first of them by name.

Knows names and reasons; no file or format.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading

MOST = 1000  # that are named; a million broken files are a number, not a million lines
_NUMBER = re.compile(r"\d+(?:,\d{3})*")
_QUOTED = re.compile(r"'[^']*'")
_MANY = 200  # reasons that are told apart


class LeftOut:
    """named: name (a path, a path and line) -> reason. reasons: the same by reason, numbers in it
    aside, with how often each was met."""

    def __init__(self) -> None:
        self.named: dict[str, str] = {}
        self.reasons: Counter[str] = Counter()

    def add(self, name: str, reason: str) -> None:
        plain = _QUOTED.sub("'...'", _NUMBER.sub("N", reason)) if len(reason) < 500 else "other"
        if plain not in self.reasons and len(self.reasons) >= _MANY:
            plain = "other"
        self.reasons[plain] += 1
        if len(self.named) < MOST:
            self.named[name] = reason

    @property
    def total(self) -> int:
        return self.reasons.total()

    def reading(self, items: Any, files: Iterable[Path]) -> Reading:
        """What was read beside it."""
        return Reading(
            items=items,
            files=tuple(files),
            skipped=self.named,
            notes=self.notes(),
            reasons=dict(self.reasons),
        )

    def notes(self) -> tuple[str, ...]:
        """Where not all of them are named."""
        if self.total <= len(self.named):
            return ()
        kinds = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons.most_common(3))
        return (f"{self.total:,} are left out in all ({kinds}); the first {MOST:,} are named",)

    def told(self, count: int = 5) -> str:
        """The first of them in one line."""
        first = ", ".join(f"{name} ({why})" for name, why in list(self.named.items())[:count])
        return first + (f" and {self.total - count:,} more" if self.total > count else "")
