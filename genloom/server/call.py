"""What the web process asks of an engine, and what it hears: the seam between routes and engines.

A route makes a `Call` and iterates over `engines.run(call)`; it never sees a process, a queue or a
frame. Leaving the iteration cancels the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from genloom.server.engines.stats import Stats


@dataclass(frozen=True, kw_only=True)
class Call:
    """task: a name in hosting/tasks.py; given: its arguments as JSON values; blobs: files that were
    sent along. owner: who asks (fairness is by owner). deadline: seconds from admission, or None.
    batch: may wait behind everything else."""

    model: str
    task: str
    given: Mapping[str, Any]
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    owner: str = ""
    deadline: float | None = None
    batch: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """kind: text, delta, preview, asset, values, ended or done. An error is raised as a Failure."""

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    blob: bytes | None = None


class Events(Protocol):
    """Of one call, to "done"; leaving them cancels it."""

    @property
    def seconds(self) -> float:
        """For how long a model has worked on it so far."""

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Event: ...

    async def aclose(self) -> None: ...


class Engines(Protocol):
    """Models at work, wherever they are."""

    def run(self, call: Call) -> Events:
        """Events to "done". Failure, at once where it is refused (404 model_not_found, 503
        overloaded or draining, 429 rate_limit_exceeded, 422 poison_request), in the iteration where
        it is not possible, runs out of time (504), or its engine dies (engine_restarted). Pieces
        that were not taken yet come as one."""

    async def about(self, model: str) -> Mapping[str, Any]:
        """What hosting/about.py tells of a model, loaded if need be. Failure where it cannot."""

    async def load(self, model: str) -> None:
        """Have it in memory now. Failure where it cannot be."""

    async def unload(self, model: str) -> bool:
        """Out of memory once what it has under way is finished; False where it was not in it."""

    async def swap(self, model: str) -> None:
        """Serve what lies on disk now; what is under way finishes on what was there before.
        Failure (422 integrity_mismatch) where that does not load: the old one goes on serving."""

    async def drain(self, seconds: float) -> None:
        """Refuse what is new, let what was admitted finish for so long, end the rest, and close."""

    def stats(self) -> Stats:
        """Numbers for /metrics, as they are now."""

    def unready(self) -> list[str]:
        """Why this server is not ready: one sentence each; none where it is."""
