"""Driving scenes as items of a data set: which are equal, what they are like, how to write them.

Knows scenes, no model.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.drive.files import write_lines
from genloom.drive.scene import Scene
from genloom.drive.seen import cuts_in, density, faults, jaywalks


class Scenes:
    """Scenes, all there at once."""

    def __init__(self, items: Sequence[Scene], codec: Any) -> None:
        self.items, self.codec = list(items), codec

    def keys(self) -> list[Hashable]:
        """Captions aside: equal are those of the same road, weather and movements."""
        told = [{**one.to_json(), "caption": None} for one in self.items]
        return [json.dumps(one, sort_keys=True) for one in told]

    def empty(self) -> list[bool]:
        """None: a scene has a vehicle under test."""
        return [False] * len(self.items)

    def summary(self) -> dict[str, Any]:
        """How many of each kind; impossible: scenes with movements that cannot be."""
        return {
            "weather": dict(Counter(one.weather for one in self.items).most_common()),
            "traffic": dict(Counter(map(density, self.items)).most_common()),
            "cut-ins": sum(map(cuts_in, self.items)),
            "jaywalkers": sum(map(jaywalks, self.items)),
            "movers": statistics.median(len(one.movers) for one in self.items),
            "impossible": sum(not faults(one).possible for one in self.items),
        }

    def write(self, items: Sequence[Scene], target: Path) -> Path:
        """A scene a line."""
        return write_lines(items, target)

    def part(self, name: str, source: Path) -> str:
        """A file of lines."""
        return f"{name}.jsonl"
