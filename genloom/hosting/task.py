"""What a piece of work in a host is: it is fed by the engine's ticks and has news now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from genloom.errors import GenloomError


@dataclass(frozen=True, kw_only=True)
class News:
    """of: the id of the request; kind: what `values` tell; blob: bytes that belong to it."""

    of: int
    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    blob: bytes | None = None


class Task(Protocol):
    """Made with (id, engine, given, blobs); GenloomError where that cannot be acted on."""

    done: bool

    def news(self) -> list[News]:
        """What is new since it was asked last; called after every tick of the engine."""

    def cancel(self) -> None:
        """Give up; what it held is free at once."""


def error_of(error: GenloomError, **more: Any) -> dict[str, Any]:
    """An error as news: the name of its class, and its sentence."""
    return {"type": type(error).__name__, "message": str(error), **more}
