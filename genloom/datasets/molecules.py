"""Molecules as items of a data set: which are equal, what they are like, how to write them.

Equal are those of one canonical line. Knows molecules; no model.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.molecule.files import LINES, TABLES, write_lines
from genloom.codec.molecule.item import molecule, usual
from genloom.codec.molecule.words import words
from genloom.errors import DataError, UsageError

COMMONEST = 12  # words that are named


class Molecules:
    """Lines of SMILES with columns of numbers."""

    def __init__(self, items: Sequence[Any], codec: Any) -> None:
        self.items, self.codec = [molecule(one) for one in items], codec

    def keys(self) -> list[Hashable]:
        return [usual(one) for one in self.items]

    def empty(self) -> list[bool]:
        """None: empty lines are left out when they are read."""
        return [False] * len(self.items)

    def summary(self) -> dict[str, Any]:
        """words: of a line, the fewest, the median and the most."""
        counts: Counter[str] = Counter()
        sizes = []
        for one in self.items:
            try:
                told = words(one)
            except DataError:
                continue
            sizes.append(len(told))
            counts.update(word for word in told if word[0].isalpha() or word[0] == "[")
        many = sorted(sizes) or [0]
        columns = Counter(name for one in self.items for name in one.values)
        return {
            "fewest words": many[0],
            "median": round(statistics.median(many)),
            "most": many[-1],
            "atoms": ", ".join(word for word, _ in counts.most_common(COMMONEST)),
            "columns": dict(columns),
        }

    def write(self, items: Sequence[Any], target: Path) -> Path:
        """One file, .smi or .csv."""
        path = target if target.suffix else target.with_suffix(LINES[0])
        if not path.name.lower().removesuffix(".gz").endswith((*LINES, TABLES[0])):
            raise UsageError(f"{target.name}: molecules are written as .smi or .csv")
        return write_lines(items, path)

    def part(self, name: str, source: Path) -> str:
        """With columns a table."""
        return f"{name}{TABLES[0] if any(one.values for one in self.items) else LINES[0]}"
