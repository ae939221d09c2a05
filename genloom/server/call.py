"""What the web process asks of an engine, and what it hears: the seam between routes and engines.

A route makes a `Call` and iterates over `engines.run(call)`; it never sees a process, a queue or a
frame. Leaving the iteration cancels the work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


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


@dataclass(frozen=True, kw_only=True)
class Event:
    """kind: text, delta, preview, asset, values, ended or done. An error is raised as a Failure."""

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    blob: bytes | None = None


class Engines(Protocol):
    """Models at work, wherever they are."""

    def run(self, call: Call) -> AsyncIterator[Event]:
        """Events to "done". Failure where it is refused (no such model, overloaded, draining, not
        possible), runs out of time, or its engine dies."""

    async def about(self, model: str) -> Mapping[str, Any]:
        """What hosting/about.py tells of a model, loaded if need be. Failure where it cannot."""
