"""Numbers of models at work, for /metrics and /ready: counters that only grow, and what is now.

Knows no format: routes write them as they like.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(kw_only=True)
class Histogram:
    """counts: of values up to each of `bounds`, and above the last; not summed up."""

    bounds: tuple[float, ...] = BOUNDS
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(kw_only=True)
class Counts:
    """What has happened to one model since the server began. outcomes: calls by how they ended:
    "done", "left" (by the client), or the code of their failure. refused: by code, never queued.
    work: seconds between begin and end of calls. tokens: by the key of their usage."""

    loads: int = 0
    failed_loads: int = 0
    restarts: int = 0
    unloads: int = 0
    swaps: int = 0
    retries: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    waited: Histogram = field(default_factory=Histogram)
    first: Histogram = field(default_factory=Histogram)
    work: Histogram = field(default_factory=Histogram)

    def ended(self, how: str) -> None:
        self.outcomes[how] = self.outcomes.get(how, 0) + 1

    def refuse(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    def use(self, usage: Mapping[str, Any]) -> None:
        for key, value in usage.items():
            if isinstance(value, int):
                self.tokens[key] = self.tokens.get(key, 0) + value


@dataclass(frozen=True, kw_only=True)
class ModelStats:
    """One model now. state: cold, loading, up, down (it died and starts again) or failed. queued
    and running: calls; streams: samples in flight, of at most `room`. memory: bytes its process
    holds. host: what the process itself says (hosting's alive frames). waiting, working: calls and
    samples in flight by whose they are."""

    model: str
    state: str
    queued: int
    running: int
    streams: int
    room: int
    memory: int
    counts: Counts
    host: Mapping[str, Any] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    working: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stats:
    """draining: nothing new is taken."""

    draining: bool
    models: tuple[ModelStats, ...] = ()

    @property
    def queued(self) -> int:
        return sum(one.queued for one in self.models)

    @property
    def running(self) -> int:
        return sum(one.running for one in self.models)
