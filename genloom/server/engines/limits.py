"""What models at work may take: rooms, queues, times. The server's settings say some of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genloom.server.settings import Settings

CACHE = 4  # of the memory for all hosts, one part in so many is for the keys and values of one


@dataclass(frozen=True, kw_only=True)
class EngineLimits:
    """Sizes in bytes, times in seconds.

    room: samples in flight in one model. alone: the part of it that one owner may fill while nobody
    else asks; beside: the part for owners who ask for more than that, together, while others ask
    little or did a moment ago (`recent`), so that those find room and short steps; slower: by how
    much those may slow the steps of one sample alone, which counts instead of `beside` once the
    time of steps was measured; batch: the part for calls that may wait.
    waiting: calls in one model's queue; waiting_bytes: of their files. per_owner: calls of one
    owner in queues. longest: of a call that gives no deadline. slow: a client that takes nothing
    for so long is left. silent: a host at work that says nothing for so long is ended. loading: of
    one load. idle: a model that nobody asks for so long is unloaded; None: never. memory: of all
    hosts; None: what the machine has, less `reserve`. backoff: the first wait after the second
    death in a row, doubled to `backoff_longest`; deaths while loading in a row, `tries`, fail
    those who wait. steady: a host that lived so long has not died in a row. fresh: between two
    looks at a model's folder. hosting, adapters: as in the server's settings.
    """

    room: int = 80
    alone: float = 0.8
    beside: float = 0.125
    slower: float = 1.6
    batch: float = 0.5
    recent: float = 30.0
    waiting: int = 256
    waiting_bytes: int = 512 << 20
    per_owner: int = 64
    longest: float = 3600.0
    slow: float = 30.0
    silent: float = 120.0
    loading: float = 600.0
    idle: float | None = 1800.0
    memory: int | None = None
    reserve: int = 256 << 20
    backoff: float = 1.0
    backoff_longest: float = 30.0
    tries: int = 4
    steady: float = 60.0
    fresh: float = 1.0
    hosting: Mapping[str, Any] = field(default_factory=dict)
    adapters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def options(self, model: str) -> dict[str, Any]:
        """How a host opens the model of this folder's name."""
        found = self.adapters.get(model)
        kept = {} if self.memory is None else {"memory": self.memory // CACHE}
        return {**kept, **self.hosting, **({"adapters": dict(found)} if found else {})}


def limits_of(settings: Settings) -> EngineLimits:
    """As a server's settings say."""
    minutes = settings.idle_minutes
    return EngineLimits(
        waiting=settings.limits.waiting,
        per_owner=settings.limits.waiting_per_owner,
        idle=minutes * 60 if minutes else None,
        memory=settings.memory,
        hosting=settings.hosting,
        adapters=settings.adapters,
    )
