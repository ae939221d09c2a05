"""Everything that routes need, in one object that lives as long as the server does."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import Request

from genloom.server.call import Engines
from genloom.server.settings import Settings


@dataclass(kw_only=True)
class Life:
    """The one thing about a server that changes: draining ends it once `active` answers are out."""

    draining: bool = False
    active: int = 0


@dataclass(frozen=True, kw_only=True)
class Service:
    settings: Settings
    engines: Engines
    life: Life = field(default_factory=Life)


def service_of(request: Request) -> Service:
    """FastAPI's dependency."""
    found: Service = request.app.state.service
    return found
