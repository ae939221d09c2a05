"""Numbers of molecules as words: each property's range in equally frequent steps.

Knows which columns of a data set are numbers; no chemistry. Shape legend: K steps, N molecules.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.errors import RequestError

STEPS = 48
LEAST = 12  # molecules that must have a number before it can be asked for


@dataclass(frozen=True)
class Scale:
    """edges: of K steps, K - 1 inner ones, ascending; middles: of each step, its usual number."""

    edges: tuple[float, ...]
    middles: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float], steps: int = STEPS) -> Scale | None:
        """By what was seen; None where that is too little or always the same."""
        known = np.array([v for v in values if math.isfinite(v)], float)
        if len(known) < LEAST or len(np.unique(known)) < 2:
            return None
        inner = np.unique(np.quantile(known, np.arange(1, steps) / steps))
        place = np.searchsorted(inner, known, "right")
        filled = np.unique(place)  # a step that nothing fell into is none
        inner = inner[[n for n in range(len(inner)) if n in filled]]
        place = np.searchsorted(inner, known, "right")
        middles = [float(np.median(known[place == n])) for n in range(len(inner) + 1)]
        return cls(tuple(inner.tolist()), tuple(middles))

    def __len__(self) -> int:
        return len(self.middles)

    def step(self, value: float) -> int:
        """The step that a number falls into."""
        return int(np.searchsorted(self.edges, value, "right"))

    def within(self, low: float, high: float) -> list[int]:
        """The steps whose usual number lies within; the nearest where none does."""
        inside = [n for n, value in enumerate(self.middles) if low <= value <= high]
        if inside:
            return inside
        near = low if math.isfinite(low) else high
        return [min(range(len(self)), key=lambda n: abs(self.middles[n] - near))]

    def to_json(self) -> dict[str, Any]:
        return {"edges": list(self.edges), "middles": list(self.middles)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Scale:
        return cls(tuple(map(float, values["edges"])), tuple(map(float, values["middles"])))


@dataclass(frozen=True)
class Range:
    """What is asked of a property: between low and high, or (both the same) one number."""

    low: float
    high: float

    def also(self, other: Range, name: str) -> Range:
        """Both at once. RequestError where no number meets both."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        if low > high:
            raise RequestError(f"no {name} is at least {low:g} and at most {high:g}", param="where")
        return Range(low, high)

    def off(self, value: float) -> float:
        """How far a number lies outside."""
        if not math.isfinite(value):
            return math.inf
        return max(0.0, self.low - value, value - self.high)
